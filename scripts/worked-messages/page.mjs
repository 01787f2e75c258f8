// docs/worked-messages.md, made from the messages.
import { STATUS_CODES } from 'node:http'
import { texts } from './texts.mjs'

/** The page. */
export function pageOf(worked) {
  const sections = worked.messages.map((message, at) => section(message, at + 1, worked.tokens))
  return [head(worked), ...sections, refusedOf(worked), documentsOf(worked)].join('\n\n') + '\n'
}

function head({ messages, keys, time }) {
  const contents = messages.map(({ name }, at) => {
    const heading = `${at + 1}. ${texts[name].title}`
    return `- [${heading}](#${anchorOf(heading)})`
  })
  return `# Worked messages

<!-- Made by scripts/worked-messages.mjs: change that, then run it. -->

Whole messages for the flows of [protocol.md](protocol.md): each request as it is sent, its signature base, the key, the signature, the response, and every token decoded where it comes first.
The packages of this repository made them: requests by \`signRequest\`, answers by the real servers. Keys, times, nonces and all that is random are fixed and Ed25519 has no random part, so they come out the same each time: \`node scripts/worked-messages.mjs\` writes this page anew, after \`npm run build\`.

[worked-messages.json](worked-messages.json) holds the same as vectors: \`keys\` (private, to sign with), \`documents\` (what is published, by URL), \`tokens\` (compact and decoded), and \`messages\` in order, each with \`time\` (the receiver's clock, Unix seconds), \`request\`, \`signature\` (\`label\`, \`jwk\`, \`base\`, \`value\`) and \`response\`, where a user is asked the two URLs of the \`browser\`, and where a call needs an approval the text that is \`digested\`.
To test against them: your signature base of each request must be \`base\`, your signature under the key must be \`value\`, and your verifier, with \`documents\` to fetch from and \`time\` as its clock, must accept each request. The requests under \`refused\` must be refused.

The first message is sent at ${time}, ${new Date(time * 1000).toISOString().replace('.000', '')}. In requests and responses a line ends where it ends here; on the wire with CRLF. The JSON of tokens is set in lines here to be read; the compact form is what is sent.

**Contents**

${contents.join('\n')}
- [Keys](#keys)
- [What must be refused](#what-must-be-refused)
- [What is published](#what-is-published)

## Keys

**These are published test keys. Never use one for anything else: anyone can sign with them.**

| holder | public key \`x\` (\`kty\` \`OKP\`, \`crv\` and \`alg\` \`Ed25519\`) | private \`d\` |
|---|---|---|
${Object.entries(keys)
  .map(([name, { x, d }]) => `| \`${name}\` | \`${x}\` | \`${d}\` |`)
  .join('\n')}`
}

function section({ name, section: clause, request, signature, response, browser, digested }, number, tokens) {
  const { title, text } = texts[name]
  const heading = `${number}. ${title}`
  const shown = tokens.filter(({ first }) => first === name)
  return [
    `## ${heading}`,
    `${text} Protocol §${clause}.`,
    `**Request**, signed with the key \`${signature.key}\``,
    fenced('http', requestText(request)),
    '**Signature base**',
    fenced('', signature.base),
    '**Public key**, and the signature of the base under it',
    fenced('', `${JSON.stringify(signature.jwk)}\n${signature.value}`),
    '**Response**',
    fenced('http', responseText(response)),
    ...shown.map(token => tokenText(token, response)),
    ...(digested === undefined ? [] : [digestedText(digested)]),
    ...(browser === undefined ? [] : [browserText(browser)]),
  ].join('\n\n')
}

/** A request as it is sent, but for the line ends. */
export function requestText({ method, target, headers, body }) {
  return messageText(`${method} ${target} HTTP/1.1`, headers, body)
}

function responseText({ status, headers, body }) {
  return messageText(`HTTP/1.1 ${status} ${STATUS_CODES[status]}`, headers, body)
}

function messageText(first, headers, body) {
  const lines = headers.map(([name, value]) => `${name}: ${value}`)
  return [first, ...lines, ...(body === undefined ? [] : ['', body])].join('\n')
}

const tokenNames = {
  'agent+jwt': 'agent token',
  'resource+jwt': 'resource token',
  'auth+jwt': 'auth token',
  'key-proof+jwt': 'key proof',
}

function tokenText({ jwt, header, claims }, response) {
  const decoded = [header, claims].map(part => JSON.stringify(part, null, 2)).join('\n.\n')
  const place = JSON.stringify(response).includes(jwt) ? 'response' : 'request'
  return `**The ${tokenNames[header.typ]} of the ${place}, decoded**\n\n${fenced('', decoded)}`
}

function browserText({ opens, returns }) {
  return `**The user’s browser** opens this, signs in and allows it,\n\n${fenced('', opens)}\n\nand is sent back to\n\n${fenced('', returns)}`
}

/** U+001F cannot be seen, so its symbol stands for it. */
function digestedText(digested) {
  return `**The text of which \`digest\` is the SHA-256**, with ␟ in place of U+001F and LF between its lines\n\n${fenced('', digested.replaceAll('\u001f', '␟'))}`
}

function refusedOf({ refused, messages }) {
  const number = messages.findIndex(({ name }) => name === refused[0].of) + 1
  const heading = `${number}. ${texts[refused[0].of].title}`
  const rows = refused.map(({ change, answer }) => `| ${change} | ${answer.status} \`${answer.error}\` |`)
  return `## What must be refused

Message [${number}](#${anchorOf(heading)}), changed, and what the resource of this repository answers ([§8](protocol.md#8-errors)). The requests stand whole under \`refused\` in [worked-messages.json](worked-messages.json), each with the \`time\` at which it is received. All but the first are refused by the request alone; the first needs a memory of the one before it.

| what is changed | answer |
|---|---|
${rows.join('\n')}`
}

function documentsOf({ documents }) {
  const shown = Object.entries(documents).map(
    ([url, document]) => `\`${url}\`\n\n${fenced('json', JSON.stringify(document, null, 2))}`,
  )
  return ['## What is published', 'The documents by which participants find each other’s keys.', ...shown].join('\n\n')
}

function fenced(language, text) {
  return `\`\`\`${language}\n${text}\n\`\`\``
}

function anchorOf(heading) {
  return heading
    .toLowerCase()
    .replaceAll(/[^a-z0-9 -]/g, '')
    .replaceAll(' ', '-')
}
