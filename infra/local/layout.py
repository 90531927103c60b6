"""Where things are: the repository, the stack's own directory, the ports and the names of the resources."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
INFRA = REPOSITORY / "infra"
# What is installed once and serves every home.
TOOLS = REPOSITORY / ".chatter"
TEMPLATE = REPOSITORY / "template.yaml"
# The suites that drive a stack with other people's libraries.
CLIENTS = REPOSITORY / "tests" / "clients"

# Only presigned addresses are checked, but the clients insist on signing everything.
REGION = "us-east-1"
ACCESS_KEY = "local"

# The local names of the template's resources, by logical id.
RESOURCE_NAMES = {
    "Table": "chatter",
    "Bucket": "chatter-local",
    "JobQueue": "chatter-jobs",
    "JobDeadLetterQueue": "chatter-jobs-dead-letters",
    "MailQueue": "chatter-mail",
    "MailDeadLetterQueue": "chatter-mail-dead-letters",
    "RunQueue": "chatter-runs",
    "RunDeadLetterQueue": "chatter-runs-dead-letters",
    "SigningKeys": "chatter/signing-keys",
    "DataKeys": "chatter/data-keys",
    "ProviderKeys": "chatter/provider-keys",
}


@dataclass(frozen=True)
class Ports:
    """Six neighbouring ports, so that one option moves the whole stack."""

    api: int

    @property
    def dynamodb(self) -> int:
        return self.api + 1

    @property
    def aws(self) -> int:
        return self.api + 2

    @property
    def model(self) -> int:
        return self.api + 3

    @property
    def secrets(self) -> int:
        return self.api + 4

    @property
    def embeddings(self) -> int:
        return self.api + 5


def url(port: int) -> str:
    return f"http://127.0.0.1:{port}"


@dataclass(frozen=True)
class Home:
    """The directory of everything the stack makes; deleting it loses the local data and nothing else."""

    path: Path

    @classmethod
    def at(cls, directory: str | None) -> Home:
        home = cls(Path(directory).resolve() if directory else REPOSITORY / ".chatter")
        home.path.mkdir(parents=True, exist_ok=True)
        # A home elsewhere in the repository must be ignored too: `cargo lambda watch` restarts the functions
        # whenever a file changes that git does not ignore, and the logs change with every request.
        ignore = home.path / ".gitignore"
        if not ignore.exists():
            ignore.write_text("*\n")
        return home

    @property
    def venv(self) -> Path:
        return TOOLS / "venv"

    @property
    def sam_venv(self) -> Path:
        return TOOLS / "sam-venv"

    @property
    def clients_venv(self) -> Path:
        return TOOLS / "clients-venv"

    @property
    def fuzz_venv(self) -> Path:
        return TOOLS / "fuzz-venv"

    @property
    def chat_model(self) -> Path:
        return TOOLS / "models" / "smollm2-135m-instruct.gguf"

    @property
    def embedding_model(self) -> Path:
        return TOOLS / "models" / "all-minilm-l6-v2.gguf"

    @property
    def env_file(self) -> Path:
        return self.path / "env"

    @property
    def data(self) -> Path:
        """Survives between runs, and holds secrets: only its owner may look inside."""
        return private_directory(self.path / "data")

    @property
    def mail(self) -> Path:
        """Where mails are put instead of being sent."""
        return private_directory(self.data / "mail")

    @property
    def logs(self) -> Path:
        return private_directory(self.path / "logs")

    @property
    def scratch(self) -> Path:
        return private_directory(self.path / "scratch")


def private_directory(path: Path) -> Path:
    path.mkdir(parents=True, exist_ok=True)
    path.chmod(0o700)
    return path
