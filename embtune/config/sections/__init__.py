"""The sections of the config, one file each; `embtune.config.schema` puts them together."""
