// An ordinary client that uses the official JavaScript library: it logs in, opens the WebSocket,
// posts, replies in the thread, edits, reacts, removes the reaction, deletes, and receives an event
// for each of these. Prints one JSON line and exits with 0, or reports what is wrong and exits with
// 1.
//
// usage: node journey.mjs SITE_URL LOGIN PASSWORD TEAM_NAME CHANNEL_NAME

import {createRequire} from 'node:module';

const require = createRequire(import.meta.url);
globalThis.WebSocket ??= require('ws');
// The library logs connection events to standard output, which is reserved for our result.
console.log = (...parts) => console.error(...parts);
const {Client4, WebSocketClient} = require('@mattermost/client');

const [siteUrl, login, password, teamName, channelName] = process.argv.slice(2);
const DEADLINE_MS = 20_000;

const client = new Client4();
client.setUrl(siteUrl);

const seen = [];
const waiting = [];
const offer = (message) => {
    seen.push(message.event);
    for (const entry of [...waiting]) {
        if (message.event === entry.event && entry.matches(message)) {
            waiting.splice(waiting.indexOf(entry), 1);
            entry.resolve(message);
        }
    }
};
const expectEvent = (event, matches) => new Promise((resolve, reject) => {
    waiting.push({event, matches, resolve});
    setTimeout(() => reject(new Error(`no ${event} within ${DEADLINE_MS} ms; seen: ${seen}`)), DEADLINE_MS).unref();
});
const postOf = (message) => JSON.parse(message.data.post);
const reactionOf = (message) => JSON.parse(message.data.reaction);
const insist = (condition, what) => {
    if (!condition) {
        throw new Error(what);
    }
};

const run = async () => {
    const me = await client.login(login, password);
    insist(client.getToken(), 'the login gave no token');
    const team = await client.getTeamByName(teamName);
    const channel = await client.getChannelByName(team.id, channelName);

    const socket = new WebSocketClient();
    socket.addMessageListener(offer);
    const hello = expectEvent('hello', () => true);
    socket.initialize(siteUrl.replace(/^http/, 'ws') + '/api/v4/websocket', client.getToken());
    await hello;

    const pendingId = `${me.id}:${Date.now()}`;
    const posted = expectEvent('posted', (m) => postOf(m).pending_post_id === pendingId);
    const post = await client.createPost({channel_id: channel.id, message: 'from the library', pending_post_id: pendingId});
    insist(postOf(await posted).id === post.id, 'the event names another post');

    const replied = expectEvent('posted', (m) => postOf(m).root_id === post.id);
    const reply = await client.createPost({channel_id: channel.id, message: 'an answer', root_id: post.id});
    await replied;

    const edited = expectEvent('post_edited', (m) => postOf(m).id === post.id && postOf(m).message === 'corrected');
    await client.patchPost({id: post.id, message: 'corrected'});
    insist(postOf(await edited).edit_at > 0, 'an edited post has no edit_at');

    const added = expectEvent('reaction_added', (m) => reactionOf(m).post_id === post.id);
    await client.addReaction(me.id, post.id, 'thumbsup');
    insist(reactionOf(await added).emoji_name === 'thumbsup', 'another emoji came back');
    insist((await client.getReactionsForPost(post.id)).length === 1, 'the reaction is not listed');
    const removed = expectEvent('reaction_removed', (m) => reactionOf(m).post_id === post.id);
    await client.removeReaction(me.id, post.id, 'thumbsup');
    await removed;

    const thread = await client.getPostThread(post.id);
    insist(thread.order.length === 2, `the thread holds ${thread.order.length} posts`);
    const page = await client.getPosts(channel.id);
    insist(page.posts[post.id].message === 'corrected', 'the page shows the old text');

    const deleted = expectEvent('post_deleted', (m) => postOf(m).id === reply.id);
    await client.deletePost(reply.id);
    await deleted;

    socket.close();
    await client.logout();
    const refused = await client.getMe().then(() => null, (error) => error);
    insist(refused?.status_code === 401, 'the session outlived the logout');
    process.stdout.write(JSON.stringify({user: me.username, post: post.id, events: seen}) + '\n');
};

run().then(() => process.exit(0), (error) => {
    console.error(error.message ?? error);
    process.exit(1);
});
