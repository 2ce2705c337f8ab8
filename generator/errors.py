"""What the generator refuses, by the kind of thing that was wrong.

Every message is one sentence that says what was expected, what came, where, and what to do; the command
line prints it without a traceback.
"""


class GeneratorError(Exception):
    """Anything the generator refuses to go on with."""


class DataError(GeneratorError):
    """Files of a data set are missing, damaged or not what they are said to be."""


class ImageSetError(GeneratorError):
    """A zip is no image set, or a set is not what its manifest says."""


class CheckpointError(GeneratorError):
    """A checkpoint cannot be found, read or used."""


class ConfigError(GeneratorError):
    """A recipe or a model configuration asks for something that does not exist."""


class TrainingError(GeneratorError):
    """A training run had to stop."""


class WriteError(GeneratorError):
    """A file could not be written: the disk is full, or the folder is not ours."""


class EvaluationError(GeneratorError):
    """Samples cannot be measured against the images given."""
