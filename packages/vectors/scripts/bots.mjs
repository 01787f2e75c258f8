// Bots of Web Bot Auth: their requests, and the directories of their keys (protocol 3.8).
import { badSignature, refusal, refuseAll } from './expected.mjs'
import { signWith, thumbprintOf } from './keys.mjs'
import { add, openKind, remove, replace } from './kind.mjs'
import { bytesOf, componentLines, digestOf } from './signed.mjs'
import { botDirectory, botDirectoryUrl, botId, now, proofOf } from './world.mjs'

const keyid = thumbprintOf('crawler')
const parameters = `created=${now};expires=${now + 60};keyid="${keyid}";alg="ed25519";nonce="wX1vD0nq";tag="web-bot-auth"`
const get = {
  ...{ key: 'crawler', label: 'wba', method: 'GET', target: '/holidays?year=2027', authority: 'calendar.example' },
  headers: [
    ['host', 'calendar.example'],
    ['signature-agent', `"${botId}"`],
  ],
  components: ['"@authority"', '"signature-agent"'],
  parameters,
}
const bound = ['"@method"', '"@authority"', '"@path"', '"content-type"', '"content-digest"', '"signature-agent"']
const post = {
  ...{ ...get, method: 'POST', target: '/notes', components: bound, body: { text: '{"text":"Chess"}' } },
  headers: [...get.headers, ['content-type', 'application/json']],
}
const withParameters = text => ({ ...get, parameters: text })

/** A request that a bot has signed: no header of AAuth, and a signature with a tag. */
function botRequest(made) {
  const { label, method, target, headers, body, components } = made
  const digests = body === undefined ? [] : [['content-digest', digestOf(bytesOf(body))]]
  const sent = [...headers, ...digests]
  const input = `(${components.join(' ')});${made.parameters}`
  const base = `${componentLines(made, sent)}"@signature-params": ${input}`
  const signature = signWith(made.key, Buffer.from(base, 'latin1')).toString('base64')
  // The same signature under more labels.
  const labels = [label, ...(made.copies ?? [])]
  const lines = [
    ...sent,
    ['signature-input', labels.map(name => `${name}=${input}`).join(', ')],
    ['signature', labels.map(name => `${name}=:${signature}:`).join(', ')],
  ]
  return { input: { method, target, headers: lines, ...(body === undefined ? {} : { body }) }, facts: { base } }
}

const facts = once => ({ bot: botId, keyid, once })
/** `[id, title, clauses, recipe, facts]`. */
const accepted = [
  ['get', 'a bot signs a GET', ['bot.one', 'bot.covered', 'bot.listed', 'bot.replay'], get, facts(true)],
  [
    ...['no-nonce', 'a safe request of a bot may have no nonce', ['bot.replay']],
    ...[withParameters(parameters.replace(';nonce="wX1vD0nq"', '')), facts(false)],
  ],
  [
    ...['directory-url', 'Signature-Agent may be the URL of the directory', ['bot.agent']],
    ...[{ ...get, headers: [get.headers[0], ['signature-agent', `"${botDirectoryUrl}"`]] }, facts(true)],
  ],
  [
    ...['member', 'one member of Signature-Agent may be covered', ['bot.agent']],
    {
      ...get,
      headers: [get.headers[0], ['signature-agent', `me="${botId}"`]],
      ...{
        components: ['"@authority"', '"signature-agent";key="me"'],
        values: { '"signature-agent";key="me"': `"${botId}"` },
      },
    },
    facts(true),
  ],
  ['post', 'a request that changes something is covered whole', ['bot.unsafe'], post, facts(true)],
]

const untimely = reason => badSignature(reason, 'time')
const wrongParameter = badSignature('bot_parameter_malformed', 'bot')
const wrongAgent = badSignature('bot_agent_malformed', 'bot')
const put = text => replace('/made/parameters', text)
const inPost = at => remove(`/made/components/${at}`)
const uncovered = badSignature('component_not_covered', 'coverage')
const getFaults = [
  [
    'old',
    'created is within the window',
    'bot.time',
    'the clock is 61 s later',
    replace('/at', now + 61),
    untimely('created_too_old'),
  ],
  [
    'ahead',
    'created is within the window',
    'bot.time',
    'the clock is 61 s earlier',
    replace('/at', now - 61),
    untimely('created_in_future'),
  ],
  [
    'no-expires',
    'expires is required',
    'bot.time',
    'expires is missing',
    put(parameters.replace(`;expires=${now + 60}`, '')),
    wrongParameter,
  ],
  [
    'expired',
    'expires has not passed',
    'bot.time',
    'expires was a second ago',
    put(parameters.replace(`created=${now};expires=${now + 60}`, `created=${now};expires=${now - 1}`)),
    untimely('expires_before_created'),
  ],
  [
    'keyid',
    'keyid is a thumbprint',
    'bot.parameters',
    'keyid is a name',
    put(parameters.replace(keyid, 'key-1')),
    wrongParameter,
  ],
  [
    'key-unknown',
    'the directory has the key',
    'bot.directory',
    'keyid is of another key',
    put(parameters.replace(keyid, thumbprintOf('evil'))),
    badSignature('bot_key_unknown', 'discovery'),
  ],
  [
    'agent-uncovered',
    'Signature-Agent is covered',
    'bot.agent',
    'signature-agent is not covered',
    remove('/made/components/1'),
    wrongAgent,
  ],
  [
    'agent-path',
    'a URL at another path names no bot',
    'bot.agent',
    'Signature-Agent has another path',
    replace('/made/headers/1/1', `"${botId}/bots/7"`),
    wrongAgent,
  ],
  [
    'agent-token',
    'Signature-Agent is a String',
    'bot.agent',
    'Signature-Agent is a Token',
    replace('/made/headers/1/1', 'bot.example'),
    wrongAgent,
  ],
  [
    'agent-http',
    'a bot is https',
    'bot.agent',
    'Signature-Agent is http',
    replace('/made/headers/1/1', '"http://bot.example"'),
    wrongAgent,
  ],
  [
    'stranger',
    'the bot is on the list',
    'bot.listed',
    'the bot is another',
    replace('/made/headers/1/1', '"https://other.example"'),
    badSignature('bot_not_listed', 'agents'),
  ],
  [
    'authority-uncovered',
    '@authority is covered',
    'bot.covered',
    '@authority is not covered',
    remove('/made/components/0'),
    uncovered,
  ],
  [
    'another-authority',
    '@authority is that of the resource',
    'bot.covered',
    'it was signed for another',
    replace('/made/authority', 'rooms.example'),
    badSignature('signature_wrong', 'signature'),
  ],
  [
    'forged',
    'the key of the directory signed',
    'bot.parameters',
    'another key signed',
    replace('/made/key', 'evil'),
    badSignature('signature_wrong', 'signature'),
  ],
  [
    'two',
    'there is one signature of a bot',
    'bot.one',
    'a second one is added',
    add('/made/copies', ['two']),
    badSignature('bot_signature_repeated', 'bot'),
  ],
]
const postFaults = [
  [
    'method-uncovered',
    'a request that changes something covers its method',
    'bot.unsafe',
    '@method is not covered',
    inPost(0),
    uncovered,
  ],
  [
    'path-uncovered',
    'a request that changes something covers its path',
    'bot.unsafe',
    '@path is not covered',
    inPost(2),
    uncovered,
  ],
  [
    'digest-uncovered',
    'a request that changes something covers its body',
    'bot.unsafe',
    'content-digest is not covered',
    inPost(4),
    uncovered,
  ],
  [
    'no-nonce',
    'a request that changes something has a nonce',
    'bot.unsafe',
    'nonce is missing',
    put(parameters.replace(';nonce="wX1vD0nq"', '')),
    wrongParameter,
  ],
  [
    'body',
    'the body is the one that was signed',
    'bot.unsafe',
    'the body is another',
    replace('/input/body/text', '{"text":"Tea"}'),
    badSignature('digest_wrong', 'digest'),
  ],
]

/** Requests that bots have signed, at a route that takes them. */
export function botRequests() {
  const kind = openKind('bot-requests', botRequest)
  for (const [id, title, clauses, made, expect] of accepted)
    kind.accept(id, title, { at: now, receiver: 'calendar-bots', clauses, made, expect })
  refuseAll(kind, 'get', getFaults)
  refuseAll(kind, 'post', postFaults)
  return kind
}

const directory = {
  bot: botId,
  keyid,
  proof: { key: 'crawler', created: now - 30, expires: now + 3600 },
  keys: botDirectory.keys,
}
const unproven = badSignature('bot_key_unknown', 'discovery')
const malformed = refusal('discovery_failed', 'jwks_malformed', 'discovery')
const proof = name => `/made/proof/${name}`
const entry = name => `/made/keys/0/${name}`
const directoryFaults = [
  [
    'another',
    'the directory has the key',
    'bot.directory',
    'another key is asked for',
    replace('/made/keyid', thumbprintOf('evil')),
    unproven,
  ],
  [
    'unsigned',
    'the response is signed',
    'bot.directory',
    'Signature is missing',
    remove('/input/response/headers/2'),
    unproven,
  ],
  [
    'forged',
    'the response is signed with the key',
    'bot.directory',
    'another key signed',
    replace(proof('key'), 'evil'),
    unproven,
  ],
  [
    'over',
    'the signature is valid when fetched',
    'bot.directory',
    'it expired a second ago',
    replace(proof('expires'), now - 1),
    unproven,
  ],
  [
    'no-expires',
    'the signature has expires',
    'bot.directory',
    'expires is missing',
    remove(proof('expires')),
    unproven,
  ],
  [
    'copied',
    'the signature is of this host',
    'bot.directory',
    'it was signed for another host',
    replace('/made/bot', 'https://copy.example'),
    unproven,
  ],
  [
    'tag',
    'the signature has the tag of directories',
    'bot.directory',
    'the tag is web-bot-auth',
    add(proof('tag'), 'web-bot-auth'),
    unproven,
  ],
  [
    'not-yet',
    'a key counts from its nbf on',
    'bot.directory',
    'nbf is an hour ahead',
    add(entry('nbf'), now + 3600),
    unproven,
  ],
  [
    'ended',
    'a key counts up to its exp',
    'bot.directory',
    'exp was a second ago',
    add(entry('exp'), now - 1),
    unproven,
  ],
  ['private', 'a published key is public', 'bot.directory', 'd is added', add(entry('d'), 'AA'), unproven],
  ['empty', 'a directory has keys', 'bot.directory', 'keys is empty', replace('/made/keys', []), malformed],
  [
    '33',
    'a directory has at most 32 keys',
    'bot.directory',
    'there are 33',
    replace(
      '/made/keys',
      Array.from({ length: 33 }, () => botDirectory.keys[0]),
    ),
    malformed,
  ],
  [
    ...['type', 'a directory has its media type', 'bot.directory', 'the type is application/json'],
    ...[
      replace('/input/response/headers/0/1', 'application/json'),
      refusal('discovery_failed', 'document_malformed', 'discovery'),
    ],
  ],
]

function build({ bot, keyid: asked, proof: own, keys }) {
  const response = proofOf({ keys }, { ...own, authority: bot.slice('https://'.length) })
  return { input: { bot: botId, keyid: asked, response }, facts: {} }
}

/** Directories of the keys of bots, as they are fetched. */
export function botDirectories() {
  const kind = openKind('bot-directories', build)
  const accept = (id, title, made) =>
    kind.accept(id, title, { at: now, clauses: ['bot.directory'], made, expect: { thumbprint: keyid } })
  accept('plain', 'a directory proves its key by a signature of the response', directory)
  accept('bounded', 'a key may have nbf and exp', {
    ...directory,
    keys: [{ ...directory.keys[0], nbf: now - 60, exp: now + 60 }],
  })
  refuseAll(kind, 'plain', directoryFaults)
  return kind
}
