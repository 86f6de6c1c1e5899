"""Literal credentials, and what only looks like one."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policies import resource, secret
from policies.credential_name import Asks, asks
from policies.objects import ConfigMap
from policies.path import render
from policies.rules.secret.secret_in_configmap import secret_in_configmap
from policies.rules.secret.secret_in_env import secret_in_env
from policies.secret import Kind, Line
from policies.token_format import Format, format_of

# Put together here, so that nobody's scanner takes this file for a leak.
RANDOM = "a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R8s9T0"
HEX = "0123456789abcdef" * 4
TOKENS = [
    "AKIA" + "A1B2C3D4E5F6G7H8",
    "ASIA" + "A1B2C3D4E5F6G7H8",
    "gh" + "p_" + RANDOM[:36],
    "github" + "_pat_" + RANDOM,
    "gl" + "pat-" + RANDOM[:20],
    "xox" + "b-123456789012-" + RANDOM[:24],
    "xapp" + "-1-" + RANDOM,
    "https://hooks." + "slack.com/services/T00000000/B00000000/" + RANDOM[:24],
    "sk" + "_live_" + RANDOM[:24],
    "AI" + "za" + RANDOM[:35],
    "GOCSPX" + "-" + RANDOM[:28],
    "eyJhbGciOiJIUzI1NiJ9" + ".eyJzdWIiOiIxMjMifQ." + RANDOM,
    "eyJhbGciO" + "iJIUzI1NiJ9",
    "npm" + "_" + RANDOM[:36],
    "pypi" + "-AgEI" + RANDOM + RANDOM,
    "rubygems" + "_" + HEX[:48],
    "dckr" + "_pat_" + RANDOM[:27],
    "SK" + HEX[:32],
    "SG" + "." + RANDOM[:22] + "." + RANDOM,
    "AccountName=a;Account" + "Key=" + RANDOM + RANDOM + "==",
    "https://a.blob.core.windows.net/?sv=1&" + "sig=" + RANDOM,
    "abc8" + "Q~" + RANDOM[:34],
    "hvs" + "." + RANDOM,
    RANDOM[:14] + ".atlas" + "v1." + RANDOM + RANDOM[:24],
    "dop" + "_v1_" + HEX,
    "dapi" + HEX[:32],
    "pul" + "-" + HEX[:40],
    "glsa" + "_" + RANDOM[:32] + "_" + HEX[:8],
    "NRAK" + "-" + RANDOM[:27].upper(),
    "sk" + "-proj-" + RANDOM,
    "hf" + "_" + "abcdefghijklmnopqrstuvwxyzABCDEFGH",
    "nvapi" + "-" + RANDOM + RANDOM[:20],
    "ATATT3" + RANDOM + RANDOM,
    "sq0" + "atp-" + RANDOM[:22],
    "shp" + "at_" + HEX[:32],
    "lin" + "_api_" + RANDOM,
    "PMAK" + "-" + HEX[:24] + "-" + HEX[:34],
    "LTAI" + RANDOM[:16],
    "123456789" + ":AA" + RANDOM[:33],
    '{"auths": {"x": {"auth": "' + "dXNlcjpwYXNz" + '"}}}',
]


@pytest.mark.parametrize("token", TOKENS, ids=lambda token: token[:8])
def test_formats_are_known_wherever_they_stand(token: str) -> None:
    assert format_of(token) is Format.TOKEN
    assert secret.find("ANYTHING", token) is Kind.TOKEN
    assert secret.find("ANYTHING", f'x "{token}" y') is Kind.TOKEN


# Where a format has several beginnings, each is known alone, with nothing around it that gives it away.
BEGINNINGS = {
    "gh{}_": (["o", "u", "s", "r"], RANDOM[:36]),
    "gl{}-": (["ptt", "rt", "dt", "cbt", "agent", "oas", "ft", "soat", "ffct"], RANDOM[:20]),
    "xox{}-": (["a", "e", "p", "r", "s"], "1234567890-" + RANDOM[:24]),
    "{}_test_": (["sk", "rk"], RANDOM[:24]),
    "dckr_{}_": (["oat"], RANDOM[:27]),
    "do{}_v1_": (["o", "r"], HEX),
    "glc{}_": ([""], RANDOM),
    "sk-{}-": (["ant"], RANDOM),
    "sq0{}-": (["csp"], RANDOM[:22]),
    "shp{}_": (["ca", "pa", "ss"], HEX[:32]),
}
ALONE = [
    *(before.format(word) + after for before, (words, after) in BEGINNINGS.items() for word in words),
    "ASIA" + "B1C2D3E4F5G6H7I8",
    "Shared" + "AccessKey=" + RANDOM,
    "https://hooks." + "slack.com/workflows/T00000000/A00000000/" + RANDOM[:24],
]


@pytest.mark.parametrize("token", ALONE, ids=lambda token: token[:10])
def test_every_beginning_of_a_format_is_known(token: str) -> None:
    assert format_of(token) is Format.TOKEN


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("-----BEGIN PRIVATE KEY-----", Format.PRIVATE_KEY),
        ("-----BEGIN RSA PRIVATE KEY-----\nx", Format.PRIVATE_KEY),
        ("-----BEGIN PGP PRIVATE KEY BLOCK-----", Format.PRIVATE_KEY),
        ("AGE-SECRET-KEY-1" + "A" * 20, Format.PRIVATE_KEY),
        ("-----BEGIN PUBLIC KEY-----\nx", None),
        ("Authorization: Bearer abcdefgh12345678", Format.HEADER),
        ("authorization: basic dXNlcjpwYXNz", Format.HEADER),
        ("Authorization: Bearer $TOKEN and more", None),
        ("a bearer of news that is good", None),
        ("postgres://app:hunter2@db/app", Format.ADDRESS),
        ("redis://:hunter2@db:6379", Format.ADDRESS),
        ("jdbc:mysql://u:p%40ss@db", Format.ADDRESS),
        ("postgres://app@db/app", None),
        ("postgres://app:$(PASSWORD)@db/app", None),
        ("postgres://app:${PASSWORD}@db/app", None),
        ("postgres://app:xxxx@db/app", None),
        ("postgres://user:password@db/app", None),
        ("https://example.com:8080/a@b", None),
        ("ghp_" + "x" * 36, None),
        ("AKIA1234", None),
        ("MAKIA" + "A1B2C3D4E5F6G7H8", None),
        ("the quick brown fox jumps over", None),
    ],
)
def test_formats(text: str, expected: Format | None) -> None:
    assert format_of(text) is expected


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (
            "password DB_PASSWORD dbPassword db.password db-passwd MYSQL_PWD PASSPHRASE webpassword PASSWORD_1",
            Asks.PASSWORD,
        ),
        ("ADMIN_PASS DBPASS PASSWORD_VALUE password2 rootPasswordBase64", Asks.PASSWORD),
        (
            "TOKEN apiKey API_KEY SECRET_KEY_BASE clientSecret aws_credentials AUTH_TOKEN privateKey x-api-key",
            Asks.SECRET,
        ),
        ("SECRET_BLAH JWT_SECRET_KEY github.token accesskey SIGNING_KEY", Asks.SECRET),
        ("AWS_SECRET_ACCESS_KEY AZURE_BATCH_KEY azure_storage_key OCI_CLI_KEY_CONTENT", Asks.CLOUD_KEY),
        ("PWD OLDPWD MONKEY KEYCLOAK_USER KEY KEYS KEYSPACE COMPASS BYPASS TOKENIZER SECRETARY", Asks.NOTHING),
        ("TOKEN_TTL KEY_FILE SECRET_NAME PASSWORD_FILE API_KEY_PATH TOKEN_URL PUBLIC_KEY SECRETS_PATH", Asks.NOTHING),
        (
            "ALLOW_EMPTY_PASSWORD MAX_TOKEN USE_TOKEN ENABLE_SECRET PASSWORD_HASH SECRET_UUID AWS_ACCESS_KEY_ID",
            Asks.NOTHING,
        ),
        ("AZURE_PUBLIC_SSH_KEY PASS_DEVICE_SPECS DB_KEY . 4711 HOST USER AWS_REGION imagePullSecrets", Asks.NOTHING),
    ],
)
def test_names_that_ask_for_a_credential(names: str, expected: Asks) -> None:
    assert {name: asks(name) for name in names.split()} == dict.fromkeys(names.split(), expected)


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("DB_PASSWORD", "hunter2", Kind.NAMED),
        ("DB_PASSWORD", "changeme", Kind.NAMED),
        ("DB_PASSWORD", "1234", Kind.NAMED),
        ("DB_PASSWORD", "'hunter2'", Kind.NAMED),
        ("DB_PASSWORD", "Pa$$word", Kind.NAMED),
        ("PASSWORD", "password", Kind.NAMED),
        ("DB_PASSWORD", "", None),
        ("DB_PASSWORD", "ab", None),
        ("DB_PASSWORD", "'a'", None),
        ("DB_PASSWORD", "123", None),
        ("DB_PASSWORD", "true", None),
        ("DB_PASSWORD", "<your password>", None),
        ("DB_PASSWORD", "[your password]", None),
        ("DB_PASSWORD", "your-password-here", None),
        ("DB_PASSWORD", "%(password)s", None),
        ("DB_PASSWORD", "%PASSWORD%", None),
        ("DB_PASSWORD", "$PASSWORD", None),
        ("DB_PASSWORD", "$$PASSWORD", None),
        ("DB_PASSWORD", "op://vault/db/password", None),
        ("DB_PASSWORD", "arn:aws:secretsmanager:x", None),
        ("DB_PASSWORD", "C:\\secrets\\db", None),
        ("DB_PASSWORD", "INSERT_PASSWORD", None),
        ("DB_PASSWORD", "db_password", None),
        ("TOKEN", "Abcdef123", Kind.NAMED),
        ("TOKEN", "supersecret", Kind.NAMED),
        ("TOKEN", "12345678", Kind.NAMED),
        ("TOKEN", "1234567", None),
        ("TOKEN", "etcd-cluster-1", None),
        ("TOKEN", "two words", None),
        ("TOKEN", "short", None),
        ("COOKIE_SECRET", "SECRET", None),
        ("DB_PASSWORD", "secret", Kind.NAMED),
        ("TOKEN", "md5:" + HEX[:32], None),
        ("AWS_SECRET_ACCESS_KEY", "xxx", Kind.NAMED),
        ("AWS_SECRET_ACCESS_KEY", "/run/key", None),
        ("AWS_SECRET_ACCESS_KEY", "$(KEY)", None),
        ("X", "a=b;Password=hunter2", Kind.ASSIGNMENT),
        ("X", '{"a": "b", "password":"hunter2"}', Kind.ASSIGNMENT),
        ("X", "{'password': 'hunter2', a='b'}", Kind.ASSIGNMENT),
        ("X", "<a><password>hunter2</password></a>", Kind.ASSIGNMENT),
        ("X", "<a><password>${P}</password></a>", None),
        ("X", "token.ttl=30m key=value", None),
        ("X", "password==hunter2", None),
        ("X", "hunter2 Abcdef123", None),
        ("X", "the password: Hunter2x", None),
        ("X", 'user=app password="" x', None),
        ("X", "password=", None),
        *(("DB_PASSWORD", f"150{unit}", None) for unit in ("ns", "us", "ms", "s", "m", "h", "d", "Mi", "Gi", "KB")),
        ("DB_PASSWORD", "1.5h", None),
        ("DB_PASSWORD", "150x", Kind.NAMED),
        ("DB_PASSWORD", "a15h", Kind.NAMED),
        *(("DB_PASSWORD", text, None) for text in ("xxx", "***", "...", "---", "___", "???", "my_xxxxxx", "a-******")),
        ("DB_PASSWORD", "my_xxxxx", Kind.NAMED),
        *(("DB_PASSWORD", f"{hashed}{HEX[:32]}", None) for hashed in ("sha1:", "sha256-", "sha512:", "md5-")),
        ("DB_PASSWORD", "md5:" + HEX[:31], Kind.NAMED),
        ("DB_PASSWORD", "YOUR_PASSWORD", None),
        *(("DB_PASSWORD", f"{word} own token here", None) for word in ("your", "my", "insert", "enter", "put", "add")),
        ("X", '{"the password": "x"}', None),
    ],
)
def test_values_under_names(name: str, value: str, expected: Kind | None) -> None:
    assert secret.find(name, value) is expected


SWITCHES = (
    "true false yes no on off none null nil undefined n/a enabled disabled redacted removed hidden masked string str "
    "bool boolean int bytes optional required unset todo tbd placeholder replaceme replace-me replace_me files"
)


@pytest.mark.parametrize("word", SWITCHES.split())
def test_words_that_are_no_password(word: str) -> None:
    assert secret.find("DB_PASSWORD", word) is secret.find("DB_PASSWORD", word.upper()) is None
    assert secret.find("DB_PASSWORD", f"{word}q7") is Kind.NAMED


@pytest.mark.parametrize(
    "word", ["secret", "apikey", "api-key", "api_key", "default", "generated", "random", "external", "object"]
)
def test_words_that_are_a_bad_password_and_under_other_names_a_source(word: str) -> None:
    assert secret.find("DB_PASSWORD", word) is Kind.NAMED
    assert secret.find("TOKEN", word) is secret.find("TOKEN", word.upper()) is None


@pytest.mark.parametrize(
    "name", ["pass", "db_pwd", "pswd", "pword", "secret", "token", "api_key", "credentials", "bearer"]
)
def test_a_setting_in_a_text_is_known_by_its_name(name: str) -> None:
    assert secret.find("X", f"{name}=Hunter2x") is Kind.ASSIGNMENT
    assert secret.find("X", f"a: b; {name.upper()} = Hunter2x") is Kind.ASSIGNMENT
    assert secret.find("X", f"{name}_file=Hunter2x") is None


@pytest.mark.parametrize(
    "line",
    [
        *(f"{each} -u root -phunter2" for each in ("mysql", "mysqldump", "mysqladmin", "mysqlcheck", "mariadb-dump")),
        "sshpass -p hunter2 ssh x",
        "redis-cli -h x -a hunter2",
        *(f"{each} login -u a -p hunter2" for each in ("docker", "helm", "podman", "helm registry")),
        *(f"{each} -u a -p hunter2" for each in ("mongo", "mongosh", "mongodump", "mongorestore")),
        *(f"{each} -x -w hunter2" for each in ("ldapsearch", "ldapadd", "ldapmodify")),
        *(f"curl {each} a:hunter2 x" for each in ("-u", "--user", "--proxy-user")),
        "wget --user=a:hunter2 x",
    ],
)
def test_clients_take_a_password_as_an_option(line: str) -> None:
    assert list(secret.in_words([line])) == [(0, Kind.ASSIGNMENT)]
    words = line.split()
    options = [index for index, word in enumerate(words) if word.startswith("-")]
    assert list(secret.in_words(words)) == [(options[0], Kind.ASSIGNMENT)]
    assert list(secret.in_words([line.replace("hunter2", "$PASSWORD")])) == []


@pytest.mark.parametrize(
    "line", ["-p hunter2", "nc -p hunter2", "mysql hunter2", "docker run -p 8080:80 x", "curl -u a x"]
)
def test_other_options_are_none(line: str) -> None:
    assert list(secret.in_words([line])) == list(secret.in_words(line.split())) == []


@pytest.mark.parametrize("mark", ["#", "//", ";", "<!--", "* "])
def test_comments_of_a_file_are_not_read(mark: str) -> None:
    assert list(secret.in_file(f"  {mark} password: hunter2\npassword: hunter2")) == [Line(2, "password", Kind.NAMED)]


@pytest.mark.parametrize(
    "object_", ["os", "process", "env", "var", "local", "data", "self", "this", "config", "settings"]
)
def test_what_a_program_looks_up_is_no_credential(object_: str) -> None:
    assert list(secret.in_file(f"token = {object_}.Value_1x")) == []
    assert list(secret.in_file("token = other.Value_1x")) == [Line(1, "token", Kind.NAMED)]


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ([], []),
        ([None, ""], []),
        (["--password=hunter2"], [(0, Kind.ASSIGNMENT)]),
        (["--password", "hunter2"], [(1, Kind.ASSIGNMENT)]),
        (["--password", None, "hunter2"], []),
        (["--password", "--hunter2"], []),
        (["password", "hunter2"], []),
        (["--password=", "hunter2"], []),
        (["--token-file", "Abcdef123"], []),
        (["x", "Authorization: Bearer abcdefgh12345678"], [(1, Kind.HEADER)]),
        (["postgres://a:hunter2@b"], [(0, Kind.ADDRESS)]),
        (["-----BEGIN PRIVATE KEY-----"], [(0, Kind.PRIVATE_KEY)]),
        (["mysql", "-u", "root", "-phunter2"], [(1, Kind.ASSIGNMENT)]),
        (["mysql", "-u", "root", "-p$PASSWORD"], []),
        (["sshpass", "-p", "hunter2", "ssh", "x"], [(1, Kind.ASSIGNMENT)]),
        (["curl", "http://a", "--user", "a:hunter2"], [(2, Kind.ASSIGNMENT)]),
        (["docker login -u a -p hunter2"], [(0, Kind.ASSIGNMENT)]),
        (["ldapsearch -x -w hunter2 -b dc=x"], [(0, Kind.ASSIGNMENT)]),
        (["mongosh -u a -p hunter2", "x"], [(0, Kind.ASSIGNMENT)]),
        (["start --db-password hunter2 -v"], [(0, Kind.ASSIGNMENT)]),
        (["start --password-file /x --token x"], []),
        (["mkdir -p /data; redis-cli ping"], []),
    ],
)
def test_command_lines(words: list[str | None], expected: list[tuple[int, Kind]]) -> None:
    assert list(secret.in_words(words)) == expected


def test_files_are_read_line_by_line() -> None:
    text = (
        "# password: hunter2\n"
        "user: app\n"
        "password: hunter2\n"
        "  - apiKey: 'Abcdef123' # not the one above\n"
        "url: postgres://a:hunter2@db\n"
        "passwordFile: /x\n"
        "key -----BEGIN EC PRIVATE KEY-----\n"
        "token = read(1)\n"
        "token = os.environ[1]\n"
        "token = Name.Label\n"
        "password: bool = False\n"
    )
    assert list(secret.in_file(text)) == [
        Line(3, "password", Kind.NAMED),
        Line(4, "apiKey", Kind.NAMED),
        Line(5, "", Kind.ADDRESS),
        Line(7, "", Kind.PRIVATE_KEY),
    ]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("web", None),
        ("sk-" + "a1b2c3d4" * 5, None),
        ("web_1", None),
        ("gh" + "o_" + RANDOM[:36], Kind.TOKEN),
        ("bitbucket=>" + RANDOM[:32].lower(), Kind.ASSIGNMENT),
        ("a=b", None),
    ],
)
def test_names_of_containers(name: str, expected: Kind | None) -> None:
    assert secret.in_label(name) is expected


@pytest.mark.parametrize(
    "text",
    ["ey-" * 3_000, "-ey.ey" * 1_500, "sk-" * 3_000, "mysql -p " * 900, "curl -u " * 1_000, "://a:" * 2_000,
     "password=" * 900, "password=\"a" * 700, "<password>" * 800, "a-" * 4_000 + "!", "a/" * 4_000 + "!",
     "your-" * 1_600 + "!", "8Q~" * 2_700, "x" * 8_000 + "!", "--password a " * 600],
    ids=lambda text: text[:8],
)  # fmt: skip
def test_hostile_values_end(text: str) -> None:
    for name in ("PASSWORD", "TOKEN", "X"):
        secret.find(name, text)
    list(secret.in_words([text, text]))
    list(secret.in_file(text))
    secret.in_label(text)


def test_only_so_much_of_a_pod_is_read() -> None:
    padding = {"name": "A", "value": "x" * secret.MAX_POD}
    password = {"name": "PASSWORD", "value": "hunter2"}
    first = {"env": [password, padding, password], "command": ["--password=hunter2"]}
    body = {"apiVersion": "v1", "kind": "Pod", "spec": {"containers": [first, first]}}
    pod = resource.read(body).pods[0].pod
    assert [render(found.path) for found in secret_in_env.function(pod)] == ["spec.containers[0].env[0].value"]


def test_only_so_much_of_a_config_map_is_read() -> None:
    data: dict[str, str | None] = {"password": "hunter2", "file": "x\n" * secret.MAX_FILE, "token": "Abcdef123"}
    assert [found.path for found in secret_in_configmap.function(ConfigMap(data=data))] == [("data", "password")]


@given(st.text(), st.text())
def test_nothing_makes_it_fail(name: str, value: str) -> None:
    secret.find(name, value)
    list(secret.in_words([name, value]))
    list(secret.in_file(value))
    secret.in_label(value)


class TestHowMuchIsRead:
    """A credential that ends at a limit is found, and one that is cut by it is not."""

    TOKEN = TOKENS[0]

    def test_the_limits(self) -> None:
        assert (secret.MAX_VALUE, secret.MAX_POD, secret.MAX_FILE) == (8_192, 65_536, 262_144)

    def test_of_a_value(self) -> None:
        for longer, found in ((0, Kind.TOKEN), (1, None)):
            room = secret.MAX_VALUE - len(self.TOKEN) + longer
            assert secret.find("X", " " * room + self.TOKEN) is found

    def test_of_a_line(self) -> None:
        for longer, found in ((0, [Line(1, "", Kind.TOKEN)]), (1, [])):
            assert list(secret.in_file("x " * 490 + " " * longer + self.TOKEN)) == found

    def test_of_a_file(self) -> None:
        for longer, many in ((0, 1), (1, 0)):
            lines = "x\n" * ((secret.MAX_FILE - len(self.TOKEN)) // 2)
            assert len(list(secret.in_file(lines + " " * longer + self.TOKEN))) == many

    def test_of_a_pod(self) -> None:
        for more, many in ((-1, 2), (0, 1)):
            password = {"name": "PASSWORD", "value": "hunter2"}
            padding = {"name": "A", "value": "x" * (secret.MAX_POD - len("hunter2") + more)}
            spec = {"containers": [{"env": [password, padding, password]}]}
            pod = resource.read({"apiVersion": "v1", "kind": "Pod", "spec": spec}).pods[0].pod
            assert len(list(secret_in_env.function(pod))) == many


def test_what_is_longer_than_usual_is_found_and_not_kept() -> None:
    secret._known.cache_clear()
    secret._known_in_line.cache_clear()
    for size in (500, 501):
        value = "x" * (size - len("DB_PASSWORD"))
        assert secret.find("DB_PASSWORD", value) is secret.find("DB_PASSWORD", value)
        line = ["--password=hunter2", "x" * (size - len("--password=hunter2")), None]
        assert secret.in_words(line) == ((0, Kind.ASSIGNMENT),)
    assert secret._known.cache_info().currsize == 1
    assert secret._known_in_line.cache_info().currsize == 1
