# What `__init__.py` looks up when it is first used. It stands here, and not there behind a check
# for type checkers: whoever asks for the version would then seem to import every room.
from sheaf.apps.api import RoundResult as RoundResult
from sheaf.apps.api import RunResult as RunResult
from sheaf.apps.api import VerificationResult as VerificationResult
from sheaf.apps.api import load as load
from sheaf.apps.api import run as run
from sheaf.apps.api import verify as verify

__version__: str
