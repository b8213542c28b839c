"""Which framework a source is written with, by what it imports. A hint for the prompt, nothing depends on it."""

import re
from collections import Counter
from collections.abc import Mapping, Sequence

from models.source import Language, SourceManifest

NONE = "none"
MAX_FILES = 500
"""Files that are looked at."""
MAX_LINES = 120
"""First lines of each that are looked at: imports stand at the top."""
MAX_COLUMNS = 300

_PYTHON = re.compile(
    r"\s*(?:from|import)\s+(django|flask|fastapi|starlette|aiohttp|tornado|pyramid|celery|temporalio|airflow|scrapy|torch"
    r"|tensorflow|pandas|streamlit)\b"
)
_SCRIPT = re.compile(
    r".*(?:\bfrom|\bimport|\brequire\()\s*['\"](@nestjs|@angular|next|nuxt|react|vue|svelte|express|koa|fastify|@hapi"
    r"|electron|react-native)(?:/[^'\"]*)?['\"]"
)
_JAVA = re.compile(
    r"\s*import\s+(?:static\s+)?(org\.springframework|io\.quarkus|io\.micronaut|jakarta\.ws\.rs|javax\.ws\.rs"
    r"|javax\.servlet|jakarta\.servlet|android|androidx|play|io\.vertx|org\.apache\.struts2?)\."
)
_RUST = re.compile(r"\s*(?:pub\s+)?use\s+(actix_web|axum|rocket|warp|tonic|tokio|bevy|leptos|yew)\b")
_C = re.compile(r"\s*#\s*include\s*[<\"](Q[A-Z]|boost/|grpcpp/|gtk/|wx/|opencv2/|linux/)")
_IMPORTS = {
    Language.PYTHON: _PYTHON,
    Language.JAVASCRIPT: _SCRIPT,
    Language.TYPESCRIPT: _SCRIPT,
    Language.JAVA: _JAVA,
    Language.RUST: _RUST,
    Language.C: _C,
    Language.CPP: _C,
}
_NAMES = {
    "@nestjs": "nestjs",
    "@angular": "angular",
    "@hapi": "hapi",
    "org.springframework": "spring",
    "io.quarkus": "quarkus",
    "io.micronaut": "micronaut",
    "jakarta.ws.rs": "jax-rs",
    "javax.ws.rs": "jax-rs",
    "javax.servlet": "servlet",
    "jakarta.servlet": "servlet",
    "androidx": "android",
    "io.vertx": "vertx",
    "org.apache.struts": "struts",
    "org.apache.struts2": "struts",
    "actix_web": "actix-web",
    "temporalio": "temporal",
    "boost/": "boost",
    "grpcpp/": "grpc",
    "gtk/": "gtk",
    "wx/": "wxwidgets",
    "opencv2/": "opencv",
    "linux/": "linux-kernel",
}
_DECLARED = {
    "pyproject.toml": re.compile(r"^\s*[\"']?(django|flask|fastapi|starlette|aiohttp|tornado|celery)\b", re.IGNORECASE),
    "requirements.txt": re.compile(r"^\s*(django|flask|fastapi|starlette|aiohttp|tornado|celery)\b", re.IGNORECASE),
    "package.json": re.compile(
        r"^\s*\"(@nestjs|@angular|next|nuxt|react|vue|svelte|express|koa|fastify|electron|react-native)(?:/[^\"]*)?\"\s*:"
    ),
    "pom.xml": re.compile(r".*<groupId>\s*(org\.springframework|io\.quarkus|io\.micronaut)"),
    "build.gradle": re.compile(r".*[\"'](org\.springframework|io\.quarkus|io\.micronaut)"),
    "Cargo.toml": re.compile(r"^\s*(actix-web|axum|rocket|warp|tonic|bevy|leptos|yew)\s*="),
}
_GENERAL = frozenset({"react", "starlette", "tokio", "celery", "pandas", "boost", "servlet", "express"})
"""Frameworks that others build on: one of those that is there as well says more."""


def framework_of(manifest: SourceManifest, lines: Mapping[str, Sequence[str]]) -> str:
    """The framework that most files import or a manifest declares; `none` where there is none that we know.

    Args:
        manifest: the source.
        lines: text lines by path.
    """
    seen: Counter[str] = Counter()
    for file in manifest.files[:MAX_FILES]:
        name = file.path.rsplit("/", 1)[-1]
        pattern = _DECLARED.get(name) or _IMPORTS.get(file.language)
        if pattern is not None:
            head = lines.get(file.path, ())[:MAX_LINES]
            found = {match[1] for line in head if (match := pattern.match(line[:MAX_COLUMNS]))}
            seen.update({_named(each) for each in found})
    special = [each for each in seen if each not in _GENERAL]
    return min(special or seen, key=lambda each: (-seen[each], each), default=NONE)


def _named(said: str) -> str:
    if said.startswith("Q"):
        return "qt"
    return _NAMES.get(said, said.lower())
