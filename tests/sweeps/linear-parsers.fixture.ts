import { parseBareUrl } from '../../packages/agent/src/fetch/outgoing.js'
import { userUrl } from '../../packages/agent/src/grant/user-url.js'
import { clockSkew, retryDelay } from '../../packages/agent/src/wire/retry-after.js'
import { claimPattern } from '../../packages/agent-server/src/enrollment/claim-pattern.js'
import { parseOidcToken } from '../../packages/agent-server/src/enrollment/oidc-token.js'
import { parseAudience } from '../../packages/agent-server/src/token/audience.js'
import { parseEnrollment } from '../../packages/agent-server/src/token/enrollment-body.js'
import { parseJsonBody } from '../../packages/agent-server/src/token/json-body.js'
import { parseCheckpoint } from '../../packages/audit/src/note/checkpoint.js'
import { parseNote, parseSignatures } from '../../packages/audit/src/note/note.js'
import { parseVerifierKey } from '../../packages/audit/src/note/verifier-key.js'
import { typedUserCode } from '../../packages/auth-server/src/request/user-code.js'
import { parseRevocation, parseTokenRequest } from '../../packages/auth-server/src/token/token-request.js'
import { meetsArguments } from '../../packages/conditions/src/json/arguments.js'
import { lifetimeOf } from '../../packages/discovery/src/freshness.js'
import { documentTypes, isOneOf } from '../../packages/discovery/src/media-type.js'
import { targetOf } from '../../packages/discovery/src/target.js'
import { shown } from '../../packages/fetch/src/report.js'
import { asksForAnother, checkConnection, claimsIn } from '../../packages/gateway/src/forwarded-headers.js'
import { headerRules } from '../../packages/gateway/src/header-rules.js'
import { routeTable } from '../../packages/gateway/src/route-table.js'
import { shownBase } from '../../packages/httpsig/src/component/shown.js'
import { parseSignatureInput, parseSignatureInputFully } from '../../packages/httpsig/src/component/signature-input.js'
import { parseMembers, parseSingleMember } from '../../packages/httpsig/src/component/structured-field.js'
import { parseContentDigest } from '../../packages/httpsig/src/digest/content-digest.js'
import { parseRawRequest } from '../../packages/httpsig/src/message/raw-request.js'
import type { ReceivedMessage } from '../../packages/httpsig/src/message/received-message.js'
import { checkTarget } from '../../packages/httpsig/src/message/request-target.js'
import { parseAcceptSignature } from '../../packages/httpsig/src/signature/accept-signature.js'
import { parseSignatureKey, parseSignatureKeyFully } from '../../packages/httpsig/src/signature/signature-key.js'
import { isSigned } from '../../packages/httpsig/src/signature/signature-lines.js'
import { parseSignatureValue } from '../../packages/httpsig/src/signature/signature-value.js'
import { openSignature } from '../../packages/httpsig/src/signature/verify.js'
import { readRpc } from '../../packages/mcp/src/rules/rpc.js'
import { uriRules } from '../../packages/mcp/src/rules/uri-rules.js'
import type { ArgumentsCondition } from '../../packages/protocol/src/condition/condition.js'
import { parseConditions } from '../../packages/protocol/src/condition/parse.js'
import { errorFields } from '../../packages/protocol/src/internal/error-fields.js'
import { foldedPath } from '../../packages/protocol/src/internal/folded-path.js'
import { parseAgentAuth } from '../../packages/protocol/src/message/agent-auth.js'
import { parseAgentInteraction } from '../../packages/protocol/src/message/agent-interaction.js'
import { cookiesOf } from '../../packages/protocol/src/message/cookie.js'
import { parseForm, parseQuery } from '../../packages/protocol/src/message/form.js'
import { parseStructuredItem, textOf } from '../../packages/protocol/src/message/structured-item.js'
import {
  parseAgentMetadata,
  parseAuthServerMetadata,
  parseResourceMetadata,
} from '../../packages/protocol/src/metadata/metadata.js'
import { isIdentifier } from '../../packages/protocol/src/term/identifier.js'
import { parsePurposes } from '../../packages/protocol/src/term/purposes.js'
import { parseScope } from '../../packages/protocol/src/term/scope.js'
import { parseJson } from '../../packages/protocol/src/token/json.js'
import { parseKeyProof } from '../../packages/protocol/src/token/key-proof.js'
import { parseOperation } from '../../packages/protocol/src/token/operation.js'
import { parseToken } from '../../packages/protocol/src/token/token.js'
import { guardedCache } from '../../packages/resource/src/adapter/cache.js'
import { bearerTokenOf, hasBearer } from '../../packages/resource/src/guard/bearer.js'
import { requestId } from '../../packages/server/src/request-id.js'
import { shortenEvents, shortenSecrets } from '../../packages/server/src/trace.js'
import { claimedText } from '../../packages/user-desk/src/pages/claimed-text.js'
import { shownHost } from '../../packages/user-desk/src/pages/host-name.js'
import { isReturnPath } from '../../packages/user-desk/src/pages/return-path.js'
import { clientOf } from '../../packages/verify/src/trusted-proxies.js'

/** A parser of untrusted input. */
export interface Parser {
  /** File and function, where it is one that the source is searched for; else what it reads. */
  readonly name: string
  /** Characters of the longest text it gets, by its own limit or that of its callers. */
  readonly limit: number
  /** Milliseconds, where 2 are too few: says why. */
  readonly budget?: number
  /** What else stands around repeated characters. */
  readonly frames?: ReadonlyArray<(fill: string) => string>
  readonly texts?: readonly string[]
  run(text: string): unknown
}

/** Regular expressions that could be read in two ways, and why they are harmless; `limit` where their texts are shorter. */
export const exceptions: Readonly<Record<string, { readonly limit?: number; readonly why: string }>> = {}

/** Regular expressions that are put together at run time, and the parser here that runs them. */
export const madePatterns: Readonly<Record<string, string>> = {
  'packages/protocol/src/message/structured-item.ts new RegExp(`^ *(${bareItem})`)':
    'packages/protocol/src/message/structured-item.ts parseStructuredItem',
  "packages/protocol/src/message/structured-item.ts new RegExp(`; *([a-z*][a-z0-9_.*-]*)(?:=(${bareItem}))?`, 'gy')":
    'packages/protocol/src/message/structured-item.ts parseStructuredItem',
  'packages/protocol/src/term/identifier.ts new RegExp(`^(https?)://(${label}(?:\\\\.${label})*|\\\\[[0-9a-f:.]+\\\\])(?::([1-9][0-9]{0,4}))?$`)':
    'identifiers',
}

const operators = 'an operator’s own text'
const ownOutput = 'a text of our own'

/** Loops that cut, search or replace text, and what bounds them: a parser here that runs them, or whose text it is. */
export const textLoops: Readonly<Record<string, string>> = {
  'packages/agent-server/src/delegate/delegate-list.ts listDelegates': operators,
  'packages/audit/src/check/lines.ts linesOf': 'each piece once, where it ends a line',
  'packages/audit/src/event/leaf.ts leafOf': 'each personal value once, and the rest of the record once',
  'packages/audit/src/log/append.ts appenderTo': 'each event of a commit once, in its row',
  'packages/audit/src/log/export.ts writeEvents': 'batches of rows, each once',
  'packages/audit/src/tree/tile.ts peaksOf': 'hashes of one tile, each once',
  'packages/mcp/src/answer/show-message.ts eventsIn': 'each piece once, where it ends a line',
  'packages/auth-server/src/grant/consents.ts forgetBegun': 'batches of names, each once',
  'packages/auth-server/src/block/block-lists.ts isOfSite': 'the labels of a verified host of at most 253 characters',
  'packages/console/src/operator/operator-users.ts findUsers': operators,
  'packages/auth-server/src/revocation/end-approvals.ts endApprovals': 'batches of agents, each once',
  'packages/auth-server/src/revocation/end-approvals.ts endGiven': 'batches of rows, each once',
  'packages/auth-server/src/revocation/notices.ts takeExchanged': 'batches of rows, each once',
  'packages/auth-server/src/revocation/notices.ts writeNotices': 'batches of rows, each once',
  'packages/cli/src/commands/gateway/report.ts addLeftOut': operators,
  'packages/cli/src/flags/configuration.ts checkVariables': operators,
  'packages/cli/src/log/log-lines.ts logLines': operators,
  'packages/cli/src/workers/merge-metrics.ts mergeMetrics': operators,
  'packages/fetch/src/answer.ts showAnswer': 'lines of one head, each once',
  'packages/fetch/src/fetch.ts readRequest': operators,
  'packages/fetch/src/keys.ts showKeys': operators,
  'packages/gateway/src/mcp-names.ts resultIn': 'each chunk once, and each event once',
  'packages/gateway/src/method-override.ts namesInForm': 'each piece once, and each name once',
  'packages/httpsig/src/explain/reading.ts baseOf': 'at most 32 components, each replaced once',
  'packages/httpsig/src/component/message-parts.ts queryParameters': 'signed requests',
  'packages/httpsig/src/message/received-request.ts countOf': 'signed requests',
  'packages/httpsig/src/component/signature-input.ts parseCanonical':
    'packages/httpsig/src/component/signature-input.ts parseSignatureInput',
  'packages/httpsig/src/component/structured-field.ts holdsMisreadNumber':
    'packages/httpsig/src/component/signature-input.ts parseSignatureInputFully',
  'packages/httpsig/src/component/structured-field.ts parseMembers':
    'packages/httpsig/src/component/structured-field.ts parseMembers',
  'packages/httpsig/src/component/structured-field.ts writtenMembers':
    'packages/httpsig/src/component/structured-field.ts parseMembers',
  'packages/protocol/src/term/a-label.ts unicodeHost': 'hosts on pages',
  'packages/protocol/src/message/cookie.ts cookiesOf': 'cookies',
  'packages/protocol/src/message/form.ts parseForm': 'packages/protocol/src/message/form.ts parseForm',
  'packages/protocol/src/term/identifier-list.ts checkIdentifierList': operators,
  'packages/protocol/src/token/json.ts endOfString': 'packages/protocol/src/token/json.ts parseJson',
  'packages/resource/src/approval/template.ts describeBy': operators,
  'packages/store/src/groups.ts drain': ownOutput,
  'packages/store/src/write-queue.ts drain': ownOutput,
}

/** Functions named `parse…` that read no untrusted input. */
export const trusted: Readonly<Record<string, string>> = {
  'packages/cli/src/commands/policy/read-policy.ts parseText': operators,
  'packages/httpsig/src/component/component-identifier.ts parseComponent': 'a program’s own text',
  'packages/httpsig/src/key/jwk.ts parsePublicJwk': 'members that were read before, each of a length that is checked',
  'packages/resource/src/limit/limits.ts parseLimits': operators,
  'packages/resource/src/limit/rate.ts parseRate': operators,
  'packages/store/src/database-url.ts parseDatabaseUrl': operators,
}

const headerBlock = 16 * 1024
const formBody = 64 * 1024
const utf8 = new TextEncoder()

const received = (change: Partial<ReceivedMessage>): ReceivedMessage => ({
  method: 'GET',
  target: '/',
  headers: [],
  ...change,
})
const withHeader = (name: string, value: string): ReceivedMessage => received({ headers: [[name, value]] })
const withJson = (text: string): ReceivedMessage =>
  received({ method: 'POST', headers: [['content-type', 'application/json']], body: utf8.encode(text) })

const inString = (fill: string): string => `"${fill}"`
const inMember = (fill: string): string => `{"${fill}":0}`
const members = (fill: string): string => `{"a":[${inString(fill)},{"${fill}":`

const noteFrames = [
  (fill: string): string => `a.example\n1\n${fill}\n\n\u2014 a AAAAAAA=\n`,
  (fill: string): string => `a.example\n1\nAA==\n\n\u2014 ${fill}\n`,
]

const dictionaryFrames = [
  (fill: string): string => `sig=${fill}`,
  (fill: string): string => `sig=(${fill})`,
  (fill: string): string => `sig="${fill}`,
  (fill: string): string => `sig=();a="${fill}"`,
  (fill: string): string => `sig=();${fill}`,
  (fill: string): string => `sig=:${fill}:`,
]
const eight = Array.from({ length: 8 }, (_, at) => `m${at}=("${'\\"'.repeat(480)}");a;b`).join(', ')

const signed = (input: string, target = '/'): ReceivedMessage =>
  received({
    target,
    headers: [
      ['host', 'api.example'],
      ['signature-key', `sig=jwt;jwt="a"`],
      ['signature-input', input],
      ['signature', 'sig=:AAAA:'],
    ],
  })
const own = '"@method" "@authority" "@path" "@query" "signature-key"'
const open = (message: ReceivedMessage): unknown =>
  openSignature(message, { authorities: ['api.example'], scheme: 'https', now: () => 1 })
const many = (component: (at: number) => string): string =>
  `sig=(${own} ${Array.from({ length: 27 }, (_, at) => component(at)).join(' ')});created=1`

const table = routeTable([
  { path: '/*', value: 1 },
  { path: '/private/*', value: 2 },
])
const rules = uriRules(
  new Map([
    ['*', 1],
    ['file:///*', 2],
    ['file:///private/*', 3],
    ['note://a', 4],
  ]),
)
const cookies = cookiesOf('https://auth.example')
const byProxy = clientOf({ trustedProxies: 32 })
const byForwarded = clientOf({ trustedProxies: ['10.0.0.0/8'], forwardedHeader: 'forwarded' })
const glob = claimPattern('repo:acme/*:ref:*:**')

const id = 'https://agent.example'
const metadata = (fill: string): Record<string, unknown> => ({
  issuer: id,
  agent: id,
  resource: id,
  jwks_uri: `${id}/jwks`,
  agent_token_endpoint: `${id}/${fill}`,
  agent_auth_endpoint: fill,
  redirect_uris: fill.split('a').slice(0, 9000),
  scopes: { [fill]: fill },
})

const anywhere: ArgumentsCondition = {
  type: 'arguments',
  resource: 'https://a.example',
  of: 'a',
  where: [{ at: '', max: 1 }],
}

export const parsers: readonly Parser[] = [
  {
    // Of the Location of a redirect.
    name: 'packages/agent/src/fetch/outgoing.ts parseBareUrl',
    limit: headerBlock,
    frames: [fill => `https://a.example/${fill}`, fill => `https://a.example/?${fill}`, fill => `https://${fill}/`],
    // The URL parser of the platform, for a name of 16 KiB in another script.
    budget: 4,
    run: text => parseBareUrl(text),
  },
  {
    name: 'packages/audit/src/note/checkpoint.ts parseCheckpoint',
    limit: 16 * 1024,
    frames: noteFrames,
    run: parseCheckpoint,
  },
  { name: 'packages/audit/src/note/note.ts parseNote', limit: 16 * 1024, frames: noteFrames, run: parseNote },
  {
    name: 'packages/audit/src/note/note.ts parseSignatures',
    limit: 16 * 1024,
    frames: noteFrames,
    run: parseSignatures,
  },
  {
    name: 'packages/audit/src/note/verifier-key.ts parseVerifierKey',
    limit: 1024,
    frames: [fill => `${fill}+00000000+${fill}`],
    run: parseVerifierKey,
  },
  {
    name: 'packages/httpsig/src/signature/signature-key.ts parseSignatureKey',
    limit: 7 * 1024,
    frames: [...dictionaryFrames, fill => `sig=jwt;jwt="${fill}"`, fill => `sig=hwk;x="${fill}";kty="OKP"`],
    run: parseSignatureKey,
  },
  {
    name: 'packages/httpsig/src/signature/signature-key.ts parseSignatureKeyFully',
    limit: 7 * 1024,
    frames: dictionaryFrames,
    run: parseSignatureKeyFully,
  },
  {
    name: 'packages/httpsig/src/component/structured-field.ts parseSingleMember',
    limit: 7 * 1024,
    frames: dictionaryFrames,
    run: text => parseSingleMember(text),
  },
  {
    name: 'packages/httpsig/src/component/structured-field.ts parseMembers',
    limit: 8 * 1024,
    frames: dictionaryFrames,
    texts: [eight],
    run: text => parseMembers('Signature', text, { members: 8, bytes: 8192 }),
  },
  {
    name: 'packages/httpsig/src/component/signature-input.ts parseSignatureInput',
    limit: 8 * 1024,
    frames: [...dictionaryFrames, fill => `sig=("a${fill}`],
    texts: [eight, `sig=(${'"a" '.repeat(2000)}`, `sig=("a")${';a=1'.repeat(2000)}`, `sig=("${'a" "'.repeat(2000)}`],
    run: text => parseSignatureInput(text, 'sig'),
  },
  {
    name: 'packages/httpsig/src/component/signature-input.ts parseSignatureInputFully',
    limit: 8 * 1024,
    frames: dictionaryFrames,
    texts: [eight],
    run: text => parseSignatureInputFully(text, 'm0'),
  },
  {
    name: 'packages/httpsig/src/signature/signature-value.ts parseSignatureValue',
    limit: 8 * 1024,
    frames: dictionaryFrames,
    run: text => parseSignatureValue(text, 'sig'),
  },
  {
    name: 'packages/httpsig/src/digest/content-digest.ts parseContentDigest',
    limit: headerBlock,
    frames: [...dictionaryFrames, fill => `sha-256=:${fill}:`],
    texts: ['sha-256=:AA==:, '.repeat(1000), 'a, '.repeat(5000)],
    run: parseContentDigest,
  },
  {
    name: 'packages/httpsig/src/signature/accept-signature.ts parseAcceptSignature',
    limit: 8 * 1024,
    frames: dictionaryFrames,
    run: parseAcceptSignature,
  },
  {
    name: 'whether a request is signed',
    limit: 8 * 1024,
    frames: [...dictionaryFrames, fill => `sig=();tag="${fill}"`],
    run: text => isSigned(withHeader('signature-input', text)),
  },
  {
    name: 'signed requests',
    limit: 8 * 1024,
    frames: [fill => `sig=(${own});created=1;x="${fill}"`],
    texts: [
      many(at => `"@query-param";name="a${at}"`),
      many(at => `"x${at}"`),
      many(at => `"x";key="${at}"`),
      many(at => `"signature-input";key="m${at}"`),
    ],
    run: text => open(signed(text, `/?${'a=1&'.repeat(1900)}`)),
  },
  {
    name: 'requests that cover members of what signs them',
    limit: 8 * 1024,
    texts: ['signature', 'signature-input', 'signature-key'].map(
      name => `${many(at => `"${name}";key="sig";a${at}`).replace(/;a\d+/g, '')}, x="${'a'.repeat(6000)}"`,
    ),
    run: text => open(signed(text)),
  },
  {
    name: 'query parameters that are covered',
    limit: headerBlock,
    frames: [fill => `${Array.from({ length: 27 }, (_, at) => `a${at}=1`).join('&')}&${fill}`],
    run: text =>
      open(
        signed(
          many(at => `"@query-param";name="a${at}"`),
          `/?${text}`,
        ),
      ),
  },
  {
    name: 'request targets',
    limit: headerBlock,
    frames: [fill => `/${fill}`],
    run: text => checkTarget(received({ target: text })),
  },
  {
    name: 'signature bases that are shown',
    limit: headerBlock,
    frames: [fill => `a: ${fill}`, fill => `?a=${fill}`],
    run: text => shownBase(text.replaceAll('\n', ' ')),
  },

  {
    name: 'packages/protocol/src/message/agent-auth.ts parseAgentAuth',
    limit: headerBlock,
    frames: [fill => `httpsig; ${fill}`, fill => `httpsig; a="${fill}"`, fill => `httpsig;${fill}`],
    texts: [`httpsig${'; a'.repeat(5000)}`, `httpsig${'; a=1'.repeat(3000)}`],
    run: parseAgentAuth,
  },
  {
    name: 'packages/protocol/src/message/agent-interaction.ts parseAgentInteraction',
    limit: headerBlock,
    frames: [inString],
    run: parseAgentInteraction,
  },
  {
    name: 'packages/protocol/src/message/structured-item.ts parseStructuredItem',
    limit: headerBlock,
    frames: [inString, fill => `%"${fill}"`, fill => `:${fill}:`, fill => `a;${fill}`],
    run: text => [parseStructuredItem(text), textOf(inString(text))],
  },
  {
    name: 'packages/protocol/src/message/form.ts parseForm',
    limit: formBody,
    frames: [fill => `a=${fill}`],
    texts: ['a&'.repeat(32_000), 'a=1&'.repeat(16_000), Array.from({ length: 9000 }, (_, at) => `a${at}=`).join('&')],
    run: text => parseForm(utf8.encode(text), 'application/x-www-form-urlencoded'),
  },
  {
    name: 'packages/protocol/src/message/form.ts parseQuery',
    limit: headerBlock,
    frames: [fill => `/?${fill}`, fill => `/?a=${fill}`],
    run: parseQuery,
  },
  {
    name: 'packages/conditions/src/json/read.ts readJson',
    // A body of 64 KiB; the engine's own parser takes half of it.
    budget: 8,
    limit: formBody,
    frames: [inString, inMember, members],
    texts: [`[${'{"a":0},'.repeat(7000)}`, `{${Array.from({ length: 6000 }, (_, at) => `"a${at}":0`).join(',')}}`],
    run: text => meetsArguments([anywhere], new TextEncoder().encode(text)),
  },
  {
    name: 'packages/protocol/src/token/json.ts parseJson',
    // With a member for each 11 bytes, of which half is what the engine's own parser takes: 2 ms where nothing else runs.
    budget: 4,
    limit: formBody,
    frames: [inString, inMember, members],
    texts: [`[${'{"a":0},'.repeat(7000)}`, `{${Array.from({ length: 6000 }, (_, at) => `"a${at}":0`).join(',')}}`],
    run: text => parseJson(text),
  },
  {
    name: 'packages/protocol/src/condition/parse.ts parseConditions',
    limit: 6 * 1024,
    texts: ['/a'.repeat(3000), '/~0'.repeat(2000), '/~'.repeat(3000), 'Europe/'.repeat(800)],
    run(text) {
      const conditions = [
        { type: 'data', resource: 'https://a.example', fields: [text] },
        { type: 'scopes', any: [text] },
        { type: 'hours', zone: text, days: [1], from: text, to: text },
        { type: 'resources', any: [`https://*.${text}`, text] },
      ]
      for (const condition of conditions)
        try {
          parseConditions([condition])
        } catch {
          // Each is refused by itself.
        }
    },
  },
  {
    name: 'packages/protocol/src/term/purposes.ts parsePurposes',
    limit: formBody,
    texts: ['a '.repeat(30_000)],
    run: parsePurposes,
  },
  {
    name: 'packages/protocol/src/token/operation.ts parseOperation',
    limit: 6 * 1024,
    run: text =>
      parseOperation({ name: 'a', digest: 'A'.repeat(43), display: [text, ...text.split('a').slice(0, 60)] }),
  },
  {
    name: 'packages/protocol/src/term/scope.ts parseScope',
    limit: formBody,
    texts: ['a '.repeat(30_000)],
    run: parseScope,
  },
  {
    name: 'packages/protocol/src/token/token.ts parseToken',
    limit: 6 * 1024,
    texts: ['.'.repeat(6000), 'eyJ9.'.repeat(1000)],
    run: text => parseToken(text, ['agent+jwt']),
  },
  {
    name: 'packages/protocol/src/token/key-proof.ts parseKeyProof',
    limit: 6 * 1024,
    texts: ['.'.repeat(6000)],
    run: parseKeyProof,
  },
  {
    name: 'packages/protocol/src/metadata/metadata.ts parseAgentMetadata',
    limit: formBody,
    run: text => parseAgentMetadata(metadata(text), id),
  },
  {
    name: 'packages/protocol/src/metadata/metadata.ts parseResourceMetadata',
    limit: formBody,
    run: text => parseResourceMetadata(metadata(text), id),
  },
  {
    name: 'packages/protocol/src/metadata/metadata.ts parseAuthServerMetadata',
    limit: formBody,
    run: text => parseAuthServerMetadata(metadata(text), id),
  },
  {
    name: 'identifiers',
    limit: headerBlock,
    frames: [fill => `https://${fill}`, fill => `https://a${fill}.example`, fill => `https://[${fill}]`],
    run: text => isIdentifier(text, { development: true }),
  },
  {
    name: 'names that are folded',
    limit: headerBlock,
    frames: [fill => `é/${fill}`, fill => `a${fill}/é`],
    run: foldedPath,
  },
  {
    name: 'cookies',
    limit: headerBlock,
    frames: [fill => `__Host-countersign-r-=${fill}`],
    texts: [
      Array.from({ length: 800 }, (_, at) => `__Host-countersign-r${at}=`).join('; '),
      '__Host-countersign-r=; '.repeat(700),
    ],
    run: text => [cookies.read(withHeader('cookie', text), 'r'), cookies.readAll(withHeader('cookie', text), 'r')],
  },
  { name: 'errors that are logged', limit: formBody, frames: [inString], run: text => errorFields(new Error(text)) },

  {
    name: 'media types of documents',
    limit: headerBlock,
    frames: [fill => `application/json${fill}`],
    run: text => isOneOf(documentTypes, text),
  },
  {
    name: 'lifetimes of documents',
    limit: headerBlock,
    frames: [fill => `max-age=${fill}`],
    texts: ['max-age=1,'.repeat(1600)],
    run: lifetimeOf,
  },
  {
    name: 'URLs that are fetched',
    limit: headerBlock,
    frames: [fill => `https://${fill}`, fill => `https://a.example/${fill}`],
    run: text => targetOf(text, { allowLoopback: false }),
  },

  {
    name: 'X-Forwarded-For',
    limit: headerBlock,
    texts: ['1.1.1.1,'.repeat(2000), ','.repeat(16_000)],
    run: text => byProxy({ ...withHeader('x-forwarded-for', text), peer: '10.0.0.1' }),
  },
  {
    name: 'Forwarded',
    limit: headerBlock,
    frames: [fill => `for="${fill}"`, fill => `for=${fill}`],
    texts: ['for=1.1.1.1,'.repeat(1300), 'for=1;'.repeat(2600)],
    run: text => byForwarded({ ...withHeader('forwarded', text), peer: '10.0.0.1' }),
  },
  {
    name: 'bearer tokens',
    limit: headerBlock,
    frames: [fill => `Bearer ${fill}`],
    run: text => [hasBearer(withHeader('authorization', text)), bearerTokenOf(withHeader('authorization', text))],
  },
  {
    name: 'caching of an answer',
    limit: headerBlock,
    frames: [fill => `a="${fill}`],
    texts: ['a="b",'.repeat(2600)],
    run: text => guardedCache({ cacheControl: text, vary: text }, false),
  },
  { name: 'request ids', limit: headerBlock, run: requestId },
  {
    name: 'bodies that are traced',
    // Development tools alone trace bodies.
    budget: 80,
    limit: formBody,
    frames: [fill => `{"a":"${fill}`, fill => `{"${fill}":"b"}`],
    texts: ['{"code" : '.repeat(6000), `{"a"${' '.repeat(60_000)}`, `{${'"a"  '.repeat(12_000)}`],
    run: text => [shortenSecrets(text), shortenEvents(`data: ${text}`)],
  },

  {
    name: 'paths of routes',
    limit: headerBlock,
    frames: [fill => `/${fill}`, fill => `/%C3%A9${fill}/`],
    texts: [
      `/${'%2561'.repeat(3000)}`,
      `/${'. '.repeat(8000)}x`,
      '/a'.repeat(8000),
      '/;'.repeat(8000),
      '/a~1'.repeat(4000),
      '/a:b'.repeat(4000),
    ],
    run: text => table.match('GET', text),
  },
  {
    name: 'headers that a gateway looks at',
    limit: headerBlock,
    texts: [','.repeat(16_000), 'a,'.repeat(8000)],
    run: text => {
      const message = received({
        headers: [
          ['Connection', text],
          ['Signature-Key', 'a'],
          [text, 'x'],
        ],
      })
      return [claimsIn(message, []), asksForAnother(message), checkConnection(message, headerRules(new Set()))]
    },
  },
  {
    name: 'URIs of MCP',
    limit: 2048,
    frames: [fill => `file:///${fill}`, fill => `note://${fill}`, fill => `note://a@b:1/${fill}?${fill}#a`],
    texts: [
      '/a~1'.repeat(508),
      `file:///${'a~1/'.repeat(500)}`,
      `file:///${'a:b;c/'.repeat(330)}`,
      `file:///${'%2561'.repeat(400)}`,
      `file:///${'%252525252561'.repeat(150)}`,
      `FILE://me@host:80/${'%2561/../'.repeat(200)}?q=%41#f%41`,
      `note://me@x:80/${'é'.repeat(300)}/%2e%2e/?a#b`,
      `a://${'b/'.repeat(900)}%3f%23?#`,
    ],
    run: rules,
  },
  {
    name: 'messages of MCP',
    limit: formBody,
    frames: [fill => `{"jsonrpc":"2.0","method":"${fill}"}`, inMember],
    run: text => readRpc(withJson(text)),
  },

  {
    name: 'packages/agent-server/src/token/json-body.ts parseJsonBody',
    limit: formBody,
    frames: [inMember, members],
    run: text => parseJsonBody(withJson(text)),
  },
  {
    name: 'packages/agent-server/src/token/enrollment-body.ts parseEnrollment',
    limit: formBody,
    frames: [fill => `{"enrollment":{"type":"${fill}"}}`],
    run: text => parseEnrollment(withJson(text)),
  },
  {
    name: 'packages/agent-server/src/token/audience.ts parseAudience',
    limit: formBody,
    frames: [fill => `https://${fill}`],
    texts: ['https://a,'.repeat(6500), 'https://a.example,'.repeat(32)],
    run: text => [parseAudience(text, { development: true }), parseAudience(text.split(','), { development: true })],
  },
  {
    name: 'packages/agent-server/src/enrollment/oidc-token.ts parseOidcToken',
    limit: headerBlock,
    texts: ['.'.repeat(16_000), `e30.${'A'.repeat(16_000)}.A`],
    run: parseOidcToken,
  },
  {
    name: 'claims of OIDC tokens',
    limit: 2048,
    frames: [fill => `repo:acme/${fill}`, fill => `repo:acme/a:ref:${fill}`],
    texts: [`repo:acme/${':ref:'.repeat(400)}`],
    run: glob,
  },

  {
    name: 'packages/auth-server/src/token/token-request.ts parseTokenRequest',
    limit: formBody,
    run: text =>
      ['auth', 'exchange', 'code', text].map(type => {
        try {
          return parseTokenRequest(
            new Map([
              ['request_type', type],
              ['resource_token', text],
              ['scope', text],
              ['purpose', text],
              ['redirect_uri', text],
              ['state', text],
            ]),
            ['auth', 'exchange', 'code'],
          )
        } catch {
          return type
        }
      }),
  },
  {
    name: 'packages/auth-server/src/token/token-request.ts parseRevocation',
    limit: formBody,
    run: text => parseRevocation(new Map([['token', text]])),
  },
  {
    name: 'texts that a page shows',
    limit: formBody,
    frames: [fill => `a\u0301${fill}`],
    texts: ['\u0301'.repeat(60_000), ' \u200b'.repeat(30_000)],
    run: text => claimedText(text, 200),
  },
  {
    name: 'hosts on pages',
    limit: 275,
    frames: [fill => `https://${fill}`, fill => `https://xn--${fill}.example`],
    run: shownHost,
  },
  { name: 'user codes', limit: formBody, run: typedUserCode },
  { name: 'paths to return to', limit: headerBlock, frames: [fill => `/${fill}`], run: isReturnPath },

  { name: 'answers that make an agent wait', limit: headerBlock, run: text => [retryDelay(text), clockSkew(text, 0)] },
  {
    name: 'pages that an agent sends its user to',
    limit: headerBlock,
    frames: [fill => `https://${fill}`, fill => `https://a.example/${fill}`],
    run: text => userUrl(text, { development: true }),
  },
  { name: 'texts that a command shows', limit: formBody, frames: [fill => `ey${fill}`], run: shown },
  {
    name: 'packages/httpsig/src/message/raw-request.ts parseRawRequest',
    limit: formBody,
    frames: [fill => `GET / HTTP/1.1\n${fill}`, fill => `GET / HTTP/1.1\r\na: b\r\n\r\n${fill}`],
    run: text => parseRawRequest(utf8.encode(text)),
  },
]
