"""The jobs: one module wires config, data, model, training and report together for one command.

Here, and only here, a config is translated into the arguments of the rooms below.
"""
