"""Which names ask for a credential: word by word, since each word of the lists was paid for by a name of somebody's."""

import pytest

from policies import credential_name
from policies.credential_name import Asks, asks

PASSWORDS = "pwd pass pword pswd passw passwords dbpass userpass rootpass adminpass dbpwd"
LIKE_PASSWORDS = "password passwd passphrase passwrd passwort"
SECRETS = "secret token credential credentials creds bearer apikey"
LIKE_SECRETS = "secret apikey secretkey accesskey privatekey authtoken accesstoken authkey"
KEYS = (
    "api access private secret auth encryption encrypt signing sign master account storage batch app application "
    "consumer session shared cookie hmac aes crypto cipher tmpurl license service admin client jwt webhook write "
    "subscription fernet"
)
NEUTRAL = (
    "value content b base raw string default admin root current new old encoded plain text primary secondary db key "
    "prod dev test staging txt"
)
ABOUT = (
    "name names path paths file files filename dir directory folder url uri urls host hosts port ttl id ids enabled "
    "enable disabled disable required require timeout expiry expires expire expiration duration interval length size "
    "count limit limits max min type types kind method mode policy provider providers ref refs namespace version env "
    "header headers prefix suffix format field label labels alias algorithm alg endpoint endpoints audience audiences "
    "issuer scope scopes claim claims region user username email location store manager engine backend source uuid "
    "hash sha checksum digest fingerprint salt set pattern regex class template review reviews strength age days "
    "seconds minutes hours attempts retries rotation login reset change command cmd usage keyring resource selector "
    "status server service domain realm group groups role roles account accounts index column table attribute property "
    "parameter param query cache exchange controller annotation annotations requests validation cookie plugin driver "
    "sync refresh"
)
HARMLESS = "public pub allow empty max min enable disable skip require dummy has use input"


@pytest.mark.parametrize("word", PASSWORDS.split())
def test_a_password(word: str) -> None:
    assert asks(f"db_{word}") is Asks.PASSWORD
    assert asks(f"a{word}b") is Asks.NOTHING


@pytest.mark.parametrize("word", LIKE_PASSWORDS.split())
def test_a_word_that_ends_like_a_password(word: str) -> None:
    assert asks(word) is asks(f"my{word}") is asks(f"MY{word.upper()}") is Asks.PASSWORD
    assert asks(f"{word}ish") is Asks.NOTHING


@pytest.mark.parametrize("word", SECRETS.split())
def test_a_secret(word: str) -> None:
    assert asks(f"db-{word}") is Asks.SECRET
    assert asks(f"{word}ish") is Asks.NOTHING


@pytest.mark.parametrize("word", LIKE_SECRETS.split())
def test_a_word_that_ends_like_a_secret(word: str) -> None:
    assert asks(f"my{word}") is Asks.SECRET


@pytest.mark.parametrize("word", KEYS.split())
def test_a_key_of_something_that_is_kept_to_oneself(word: str) -> None:
    assert asks(f"{word}_key") is asks(f"my.{word}.keys") is Asks.SECRET


@pytest.mark.parametrize("word", ["db", "foreign", "primary", "sort", "cache"])
def test_a_key_of_anything_else(word: str) -> None:
    assert asks(f"{word}_key") is Asks.NOTHING


@pytest.mark.parametrize("word", NEUTRAL.split())
def test_words_after_it_that_change_nothing(word: str) -> None:
    assert asks(f"db_password_{word}") is Asks.PASSWORD
    assert asks(f"token_{word}_2") is Asks.SECRET


@pytest.mark.parametrize("word", ABOUT.split())
def test_something_about_a_credential(word: str) -> None:
    assert asks(f"password_{word}") is asks(f"secret{word.capitalize()}") is Asks.NOTHING


@pytest.mark.parametrize("word", HARMLESS.split())
def test_nothing_to_hide(word: str) -> None:
    assert asks(f"{word}_password") is asks(f"the_{word}_secret_1") is Asks.NOTHING


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("", Asks.NOTHING),
        ("---", Asks.NOTHING),
        ("1", Asks.NOTHING),
        ("key", Asks.NOTHING),
        ("key_api", Asks.NOTHING),
        ("secret_thing", Asks.SECRET),
        ("token_thing", Asks.NOTHING),
        ("password_thing", Asks.NOTHING),
        ("PWD", Asks.NOTHING),
        ("OLDPWD", Asks.NOTHING),
        ("pwd", Asks.PASSWORD),
        ("OLD_PWD", Asks.PASSWORD),
        ("DBPassword", Asks.PASSWORD),
        ("dbPASSWORD", Asks.PASSWORD),
        ("a1password2", Asks.PASSWORD),
        ("value_1", Asks.NOTHING),
        # keys of clouds
        ("AWS_SECRET_ACCESS_KEY", Asks.CLOUD_KEY),
        ("awsSecretAccessKey", Asks.CLOUD_KEY),
        ("MY_AWS_SECRET_ACCESS_KEY", Asks.SECRET),
        ("AWS_ACCESS_KEY", Asks.SECRET),
        ("OCI_CLI_KEY_CONTENT", Asks.CLOUD_KEY),
        ("OCI_CLI_KEY", Asks.NOTHING),
        ("AZURE_BATCH_KEY", Asks.CLOUD_KEY),
        ("AZURE_ANY_THING_KEY", Asks.CLOUD_KEY),
        ("AZURE_KEY", Asks.NOTHING),
        ("AZURE_PUBLIC_KEY", Asks.NOTHING),
        ("AZURE_KEY_NAME", Asks.NOTHING),
        ("GOOGLE_BATCH_KEY_X", Asks.NOTHING),
    ],
)
def test_names(name: str, expected: Asks) -> None:
    assert asks(name) is expected


def test_of_a_long_name_the_last_characters_count() -> None:
    assert asks("password" + "_" * 192) is Asks.PASSWORD
    assert asks("password" + "_" * 193) is Asks.NOTHING


def test_a_bounded_number_is_remembered() -> None:
    for number in range(4_200):
        asks(f"name_{number}")
    assert credential_name._asks.cache_info().currsize == credential_name._asks.cache_info().maxsize == 4_096


def test_what_asks_for_more_is_more() -> None:
    assert [int(each) for each in Asks] == [0, 1, 2, 3]


def test_of_a_long_name_only_the_end_is_looked_at_and_kept() -> None:
    credential_name._asks.cache_clear()
    for begin in ("a", "b", "c" * 100_000):
        assert asks(begin + "_" * 190 + "_A_PASSWORD") is Asks.PASSWORD
    assert credential_name._asks.cache_info().currsize == 1
