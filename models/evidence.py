"""What in a source, or beside it, calls for an expert: found by names in the code, in linear time."""

import re
from collections.abc import Iterable, Mapping, Sequence

from models.source import ArtifactKind, Evidence, Language, SourceFile

_COVERAGE = {ArtifactKind.COVERAGE_JSON, ArtifactKind.COBERTURA_XML, ArtifactKind.LCOV}
_PROFILE = {ArtifactKind.PSTATS, ArtifactKind.SPEEDSCOPE}

# A word with, optionally, the bracket that calls it. Spaces between them are bounded: no input is scanned twice.
_WORD = re.compile(r"([A-Za-z_$][A-Za-z0-9_$]*!?)[ \t]{0,4}(\()?")


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_SQL = _words("SELECT INSERT UPDATE DELETE")
"""In capitals, as statements are written in strings."""

_NAMES: Mapping[Language, frozenset[str]] = {
    Language.PYTHON: _words(
        "socket ssl http urllib urllib3 requests httpx aiohttp ftplib smtplib telnetlib paramiko xmlrpc flask django"
        " fastapi starlette tornado sqlite3 sqlalchemy psycopg psycopg2 asyncpg pymysql MySQLdb hashlib hmac secrets"
        " cryptography Crypto Cryptodome jwt jose passlib bcrypt oauthlib ldap ldap3 subprocess pexpect pickle cPickle"
        " dill marshal shelve yaml jsonpickle lxml xml zipfile tarfile tempfile ctypes pathlib shutil jinja2 mako"
    ),
    Language.JAVASCRIPT: _words(
        "child_process crypto http https net tls dgram fs express koa fastify axios fetch XMLHttpRequest WebSocket"
        " localStorage sessionStorage document innerHTML outerHTML dangerouslySetInnerHTML jsonwebtoken passport bcrypt"
        " mysql mysql2 pg sqlite3 mongodb mongoose sequelize knex serialize-javascript vm cookie cookies postMessage"
    ),
    Language.JAVA: _words(
        "Socket ServerSocket URL URLConnection HttpURLConnection HttpClient RestTemplate HttpServletRequest"
        " HttpServletResponse Statement PreparedStatement EntityManager JdbcTemplate Cipher MessageDigest KeyGenerator"
        " SecureRandom Random Mac Signature SSLContext TrustManager X509TrustManager HostnameVerifier Runtime"
        " ProcessBuilder ObjectInputStream XMLDecoder XStream SnakeYaml Yaml DocumentBuilderFactory SAXParserFactory"
        " XMLInputFactory File Files Paths Path FileInputStream FileOutputStream ZipEntry InitialContext ScriptEngine"
        " PreAuthorize Authentication UserDetails Jwts"
    ),
    Language.RUST: _words(
        "unsafe TcpStream TcpListener UdpSocket reqwest hyper tokio actix_web axum rocket warp sqlx diesel rusqlite"
        " postgres Command ring rustls openssl native_tls sha1 sha2 md5 hmac jsonwebtoken argon2 bcrypt rand fs File"
        " PathBuf OpenOptions transmute serde_json bincode from_utf8_unchecked"
    ),
    Language.CPP: _words(
        "sockaddr curl_easy_init CURL SSL SSL_CTX EVP_CIPHER_CTX sqlite3 MYSQL PGconn ifstream ofstream fstream"
        " filesystem boost asio"
    ),
}  # fmt: skip
"""Names that are security-relevant wherever they stand."""

_CALLS: Mapping[Language, frozenset[str]] = {
    Language.PYTHON: _words(
        "open eval exec compile __import__ execute executemany executescript raw system popen Popen check_output"
        " spawn render_template_string mark_safe login authenticate check_password loads urlopen"
    ),
    Language.JAVASCRIPT: _words(
        "eval Function query exec execSync execFile spawn spawnSync readFile readFileSync writeFile writeFileSync"
        " createReadStream unlink sendFile redirect setTimeout setInterval deserialize unserialize createHash"
        " createCipheriv verify authenticate login"
    ),
    Language.JAVA: _words(
        "exec executeQuery executeUpdate createQuery createNativeQuery prepareStatement readObject forName"
        " lookup sendRedirect getParameter addCookie login authenticate"
    ),
    Language.RUST: _words("query execute sql_query from_raw_parts write_unaligned query_as! query!"),
    Language.CPP: _words(
        "socket connect bind accept recv recvfrom send sendto gethostbyname system popen execl execlp execle execv"
        " execve execvp fork fopen open freopen access chmod chown mkstemp tmpnam mktemp gets strcpy strcat sprintf"
        " vsprintf scanf sscanf fscanf strncpy strncat memcpy memmove alloca malloc realloc free printf rand srand"
        " getenv setuid MD5 SHA1 EVP_EncryptInit EVP_DecryptInit sqlite3_exec mysql_query PQexec dlopen crypt"
    ),
}
"""Names that are security-relevant where they are called."""

_SAME_AS = {Language.TYPESCRIPT: Language.JAVASCRIPT, Language.C: Language.CPP}

_DECLARATIONS: Mapping[Language, re.Pattern[str]] = {
    Language.PYTHON: re.compile(r"[ \t]*(?:(?:async[ \t]+)?def|class)[ \t]+(?:[A-Za-z]|__init__\b)|__all__\b"),
    Language.JAVASCRIPT: re.compile(r"[ \t]*(?:export\b|(?:module\.)?exports\b)"),
    Language.TYPESCRIPT: re.compile(r"[ \t]*(?:export|public|declare)\b"),
    Language.JAVA: re.compile(r"[ \t]*(?:public|protected)\b"),
    Language.RUST: re.compile(r"[ \t]*pub[ \t]+[a-z]|[ \t]*#\[macro_export"),
}
_HEADER_DECLARATION = re.compile(
    r"[ \t]*(?:class|struct|enum|union|typedef|using|template|extern|#[ \t]*define)\b|[ \t]*[A-Za-z_~][^;{}=#/()]*\("
)
_HEADERS = (".h", ".hh", ".hpp", ".hxx", ".ipp")


def evidence_of(
    files: Sequence[SourceFile],
    texts: Mapping[str, str],
    artifacts: Iterable[ArtifactKind] = (),
    removed: Mapping[str, Sequence[str]] | None = None,
) -> tuple[Evidence, ...]:
    """What calls for an expert, in the order of `Evidence`.

    Of a change only the changed lines count, and those it removed: taking a check away is as telling as adding one.

    Args:
        files: the files of the source.
        texts: their text by path.
        artifacts: coverage reports and profiles that came with it.
        removed: lines that the change removed, by path.
    """
    gone = removed or {}
    kinds = set(artifacts)
    found: set[Evidence] = set()
    if kinds & _COVERAGE:
        found.add(Evidence.COVERAGE)
    if kinds & _PROFILE:
        found.add(Evidence.PROFILE)
    code = [file for file in files if file.language is not Language.OTHER]
    if any(_is_security_relevant(file, _lines(file, texts, gone)) for file in code):
        found.add(Evidence.SECURITY_CONSTRUCTS)
    changes = (file for file in code if file.changed is not None)
    if any(_declares_public(file, _lines(file, texts, gone)) for file in changes):
        found.add(Evidence.PUBLIC_API_CHANGED)
    return tuple(evidence for evidence in Evidence if evidence in found)


def _lines(file: SourceFile, texts: Mapping[str, str], removed: Mapping[str, Sequence[str]]) -> list[str]:
    """Lines under review and, of a change, those it removed."""
    lines = texts[file.path].split("\n")
    if file.changed is None:
        return lines
    changed = [line for part in file.changed for line in lines[part.start - 1 : part.end]]
    return [*changed, *removed.get(file.path, ())]


def _is_security_relevant(file: SourceFile, lines: Sequence[str]) -> bool:
    language = _SAME_AS.get(file.language, file.language)
    comments = ("#",) if language is Language.PYTHON else ("//", "/*", "*")
    code = "\n".join(line for line in lines if not line.lstrip().startswith(comments))
    words = set(_WORD.findall(code))
    named = _NAMES[language] | _SQL
    called = _CALLS[language]
    return any(word in named or (bracket and word in called) for word, bracket in words)


def _declares_public(file: SourceFile, lines: Sequence[str]) -> bool:
    if file.language in {Language.C, Language.CPP}:
        return file.path.lower().endswith(_HEADERS) and any(map(_HEADER_DECLARATION.match, lines))
    return any(map(_DECLARATIONS[file.language].match, lines))
