"""A day of work with Python libraries as they come from their registry: one program, one journey for each library.

usage: checklist.py LIBRARY SITE_URL LOGIN PASSWORD OTHER_LOGIN TEAM_NAME

Each journey signs in, works in channels of every kind, posts, replies, edits, reacts, uploads, downloads, searches, sets a
status, runs a command and hears of what happens over the WebSocket. LOGIN administers the workspace. Prints one JSON line
with the names of the steps that were done, or says what is wrong and exits with 1.
"""

import asyncio
import json
import sys
import threading
import time
from urllib.parse import urlsplit

PICTURE = bytes.fromhex(
    "89504e470d0a1a0a0000000d49484452000000020000000208020000"
    "00fdd49a730000001649444154789c63f8cfc0c0c0c0c4c0c0c0c0c000000d1d0103e8f3b5f60000000049454e44ae426082"
)
DEADLINE_S = 30

steps = []


def done(step):
    steps.append(step)


def insist(condition, what):
    if not condition:
        raise AssertionError(what)


def refused(call, status, names=()):
    """The library reports a refusal with this status; `names` are those of its exceptions."""
    try:
        call()
    except Exception as error:  # Each library has its own classes.
        code = getattr(error, "status_code", None)
        response = getattr(error, "response", None)
        code = code or getattr(response, "status_code", None)
        insist(code == status or type(error).__name__ in names, f"{type(error).__name__} {code}: {error}")
        return
    raise AssertionError(f"not refused with {status}")


def options_of(site_url, login, password):
    parts = urlsplit(site_url)
    return {
        "scheme": parts.scheme,
        "url": parts.hostname,
        "port": parts.port,
        "login_id": login,
        "password": password,
        "verify": False,
        "timeout": DEADLINE_S,
    }


class Listener:
    """Collects what a library's WebSocket hears, on a thread of its own."""

    def __init__(self, driver):
        self.heard = []
        self.changed = threading.Condition()
        self.driver = driver

    async def take(self, message):
        with self.changed:
            self.heard.append(json.loads(message))
            self.changed.notify_all()

    def start(self):
        def run():
            asyncio.set_event_loop(asyncio.new_event_loop())
            try:
                self.driver.init_websocket(self.take)
            except Exception:  # The socket ends with the program.
                pass

        threading.Thread(target=run, daemon=True).start()
        self.wait(lambda event: event.get("event") == "hello", "hello")

    def wait(self, matches, what):
        until = time.monotonic() + DEADLINE_S
        with self.changed:
            while not any(matches(event) for event in self.heard):
                left = until - time.monotonic()
                insist(left > 0, f"no {what}; heard {[event.get('event') for event in self.heard]}")
                self.changed.wait(left)

    def posted(self, post_id):
        def is_it(event):
            return event.get("event") == "posted" and json.loads(event["data"]["post"])["id"] == post_id

        self.wait(is_it, f"posted {post_id}")


def with_mattermostdriver(site_url, login, password, other, team_name):
    from mattermostdriver import Driver
    from mattermostdriver.exceptions import NoAccessTokenProvided

    wrong = Driver({**options_of(site_url, login, "wrong password")})
    refused(wrong.login, 401, (NoAccessTokenProvided.__name__,))
    driver = Driver(options_of(site_url, login, password))
    driver.login()
    me = driver.users.get_user("me")
    insist(me["username"] == login, me)
    done("login")
    team = driver.teams.get_team_by_name(team_name)
    friend = driver.users.get_user_by_username(other)
    listener = Listener(driver)
    listener.start()

    channel = driver.channels.create_channel(
        {"team_id": team["id"], "name": "driver-room", "display_name": "Driver's room", "type": "O"}
    )
    private = driver.channels.create_channel(
        {"team_id": team["id"], "name": "driver-den", "display_name": "Driver's den", "type": "P"}
    )
    direct = driver.channels.create_direct_message_channel([me["id"], friend["id"]])
    insist(direct["type"] == "D" and private["type"] == "P", direct)
    driver.channels.add_user(channel["id"], {"user_id": friend["id"]})
    driver.channels.patch_channel(channel["id"], {"header": "By a driver", "purpose": "To drive"})
    insist(driver.channels.get_channel(channel["id"])["header"] == "By a driver", "the header")
    insist(len(driver.channels.get_channel_members(channel["id"])) == 2, "two members")
    driver.channels.view_channel("me", {"channel_id": channel["id"]})
    done("channels")

    post = driver.posts.create_post({"channel_id": channel["id"], "message": "driving along the causeway"})
    listener.posted(post["id"])
    reply = driver.posts.create_post({"channel_id": channel["id"], "root_id": post["id"], "message": "and back"})
    edited = driver.posts.patch_post(post["id"], {"message": "driving along the long causeway"})
    insist(edited["edit_at"] > 0, edited)
    thread = driver.posts.get_thread(post["id"])
    insist(set(thread["posts"]) == {post["id"], reply["id"]}, thread["order"])
    driver.posts.pin_post_to_channel(post["id"])
    insist(post["id"] in driver.channels.get_channel_pinned_posts(channel["id"])["order"], "the pin")
    listed = driver.posts.get_posts_for_channel(channel["id"], {"per_page": 60})
    insist(reply["id"] in listed["order"], listed["order"])
    done("posts and threads")

    driver.reactions.create_reaction({"user_id": me["id"], "post_id": post["id"], "emoji_name": "+1"})
    # The library asks at a path with two slashes, and follows the redirect.
    insist(driver.reactions.get_reactions_of_post(post["id"])[0]["emoji_name"] == "+1", "the reaction")
    driver.reactions.delete_reaction(me["id"], post["id"], "+1")
    insist(driver.reactions.get_reactions_of_post(post["id"]) == [], "no reaction")
    done("reactions")

    uploaded = driver.files.upload_file(channel["id"], files={"files": ("dot.png", PICTURE)})
    file_id = uploaded["file_infos"][0]["id"]
    with_file = driver.posts.create_post({"channel_id": channel["id"], "message": "a dot", "file_ids": [file_id]})
    insist(with_file["file_ids"] == [file_id], with_file)
    insist(driver.files.get_file(file_id).content == PICTURE, "the same bytes")
    insist(driver.files.get_file_metadata(file_id)["name"] == "dot.png", "the name")
    done("files")

    found = driver.posts.search_for_team_posts(team["id"], {"terms": "long causeway", "is_or_search": False})
    insist(post["id"] in found["order"], found)
    done("search")

    driver.status.update_user_status(me["id"], {"user_id": me["id"], "status": "dnd"})
    insist(driver.status.get_user_statuses_by_id([me["id"]])[0]["status"] == "dnd", "the status")
    done("status")

    said = driver.commands.execute_command({"channel_id": channel["id"], "command": "/secure-connection status"})
    insist(said["response_type"] == "ephemeral" and said["text"], said)
    done("commands")

    preference = {"user_id": me["id"], "category": "test", "name": "driver", "value": "yes"}
    driver.preferences.save_user_preferences(me["id"], [preference])
    insist(preference in driver.preferences.get_user_preferences(me["id"]), "the preference")
    insist(driver.users.get_user_sessions(me["id"]), "a session")
    done("preferences and sessions")

    driver.posts.delete_post(post["id"])
    refused(lambda: driver.posts.get_post(post["id"]), 404, ("ResourceNotFound",))
    driver.channels.delete_channel(private["id"])
    driver.logout()
    refused(lambda: driver.users.get_user("me"), 401, ("NoAccessTokenProvided",))
    done("logout")


def with_mattermostautodriver(site_url, login, password, other, team_name):
    from mattermostautodriver import TypedDriver

    wrong = TypedDriver(options_of(site_url, login, "wrong password"))
    refused(wrong.login, 401, ("NoAccessTokenProvided",))
    driver = TypedDriver(options_of(site_url, login, password))
    driver.login()
    me = driver.users.get_user("me")
    done("login")
    team = driver.teams.get_team_by_name(team_name)
    friend = driver.users.get_user_by_username(other)
    listener = Listener(driver)
    listener.start()

    channel = driver.channels.create_channel(
        team_id=team["id"], name="auto-room", display_name="Auto's room", type="O", purpose="", header=""
    )
    direct = driver.channels.create_direct_channel([me["id"], friend["id"]])
    insist(direct["type"] == "D", direct)
    driver.channels.add_channel_member(channel["id"], user_id=friend["id"])
    driver.channels.patch_channel(channel["id"], display_name="The room")
    by_name = driver.channels.get_channel_by_name(team["id"], "auto-room")
    insist(by_name["display_name"] == "The room", by_name)
    categories = driver.channels.get_sidebar_categories_for_team_for_user(team["id"], "me")
    insist(any(channel["id"] in it["channel_ids"] for it in categories["categories"]), categories)
    done("channels")

    post = driver.posts.create_post(channel["id"], "automatic words")
    listener.posted(post["id"])
    reply = driver.posts.create_post(channel["id"], "an answer", root_id=post["id"])
    driver.posts.patch_post(post["id"], message="automatic words, edited")
    thread = driver.posts.get_post_thread(post["id"])
    insist(set(thread["posts"]) == {post["id"], reply["id"]}, thread["order"])
    history = driver.posts.get_edit_history_for_post(post["id"])
    insist(history[0]["message"] == "automatic words", history)
    driver.posts.pin_post(post["id"])
    driver.posts.set_post_unread("me", post["id"])
    insist(driver.channels.get_channel_unread("me", channel["id"])["msg_count"] == 2, "two unread posts")
    done("posts and threads")

    driver.reactions.save_reaction({"user_id": me["id"], "post_id": post["id"], "emoji_name": "tada"})
    insist(driver.reactions.get_reactions(post["id"])[0]["emoji_name"] == "tada", "the reaction")
    driver.reactions.delete_reaction("me", post["id"], "tada")
    done("reactions")

    uploaded = driver.files.upload_file(files=("dot.png", PICTURE), channel_id=channel["id"])
    file_id = uploaded["file_infos"][0]["id"]
    driver.posts.create_post(channel["id"], "a dot", file_ids=[file_id])
    insist(driver.files.get_file(file_id).content == PICTURE, "the same bytes")
    done("files")

    found = driver.posts.search_posts(team["id"], '"automatic words"', False)
    insist(post["id"] in found["order"], found)
    done("search")

    driver.status.update_user_status(me["id"], "away")
    insist(driver.status.get_users_statuses_by_ids([me["id"]])[0]["status"] == "away", "the status")
    done("status")

    said = driver.commands.execute_command(channel["id"], "/share-channel status")
    insist(said["response_type"] == "ephemeral", said)
    done("commands")

    made = driver.remote_clusters.create_remote_cluster(
        name="partner", default_team_id=team["id"], display_name="Partner", password="a password to share"
    )
    remote_id = made["remote_cluster"]["remote_id"]
    insist(made["invite"], "an invitation")
    listed = driver.remote_clusters.get_remote_clusters()
    insist(any(it["remote_id"] == remote_id for it in listed), listed)
    driver.remote_clusters.delete_remote_cluster(remote_id)
    done("connections")

    driver.posts.delete_post(post["id"])
    refused(lambda: driver.posts.get_post(post["id"]), 404, ("ResourceNotFound",))
    driver.logout()
    done("logout")


async def with_matteraio(site_url, login, password, other, team_name):
    from matteraio.client import MattermostClient

    async with MattermostClient(site_url) as client:
        await client.users.login(login_id=login, password=password)
        me = await client.users.me()
        insist(me.username == login, me)
        done("login")
        team = await client.teams.get_by_name(team_name)
        friend = await client.users.get_by_username(other)
        channel = await client.channels.create(
            team_id=team.id, name="aio-room", display_name="The room"
        )
        direct = await client.channels.create_direct(me.id, friend.id)
        insist(direct.id != channel.id, direct)
        await client.channels.add_member(channel.id, friend.id)
        insist((await client.channels.patch(channel.id, header="By a program")).header == "By a program", "header")
        insist([it async for it in client.channels.iter_members(channel.id)], "members")
        done("channels")

        post = await client.posts.create(channel_id=channel.id, message="typed words")
        reply = await client.posts.create(channel_id=channel.id, message="an answer", root_id=post.id)
        await client.posts.patch(post.id, message="typed words, edited")
        thread = await client.posts.thread(post.id)
        insist(set(thread.posts) == {post.id, reply.id}, thread.order)
        await client.posts.pin(post.id)
        insist(post.id in (await client.channels.pinned_posts(channel.id)).posts, "the pin")
        done("posts and threads")

        await client.reactions.add(user_id=me.id, post_id=post.id, emoji_name="eyes")
        insist((await client.reactions.list(post.id))[0].emoji_name == "eyes", "the reaction")
        await client.reactions.remove(me.id, post.id, "eyes")
        done("reactions")

        uploaded = await client.files.upload(channel_id=channel.id, filename="dot.png", content=PICTURE)
        insist(await client.files.download(uploaded.file_infos[0].id) == PICTURE, "the same bytes")
        done("files")

        found = await client.posts.search(team.id, "typed")
        insist(post.id in found.posts, found)
        done("search")

        await client.posts.delete(post.id)
        await client.channels.archive(channel.id)
        done("deletes")


def main():
    library, *arguments = sys.argv[1:]
    journeys = {
        "mattermostdriver": with_mattermostdriver,
        "mattermostautodriver": with_mattermostautodriver,
        "matteraio": lambda *given: asyncio.run(with_matteraio(*given)),
    }
    try:
        journeys[library](*arguments)
    except Exception as error:
        print(f"{library}, after {steps}: {type(error).__name__}: {error}", file=sys.stderr)
        raise
    print(json.dumps({"library": library, "steps": steps}))


main()
