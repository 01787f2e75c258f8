import { verifies } from '@countersign/requirements'
import type { Answer, Wire } from '@countersign/testing/wire'
import { asAgent, asKey } from '@countersign/testing/world/signer'
import { describe, expect, test } from 'vitest'
import { plus } from '../../resource/src/altered.test.fixture.js'
import {
  another,
  approvalCases,
  approved,
  asked,
  challenged,
  digestOf,
  lunch,
  sent,
  unshowable,
  used,
} from '../../resource/src/suite/approvals.test.fixture.js'
import { callCases } from '../../resource/src/suite/calls.test.fixture.js'
import {
  type ConditionCase,
  conditionCases,
  delegate,
  denied,
} from '../../resource/src/suite/conditions.test.fixture.js'
import { operandCases } from '../../resource/src/suite/operands.test.fixture.js'
import { unsigned } from '../../resource/src/suite/stage.test.fixture.js'
import type { ToolSite, ToolStage } from './tool-stage.test.fixture.js'

// Delegation policies and approvals at a server of tools: the rows of the suite, and rows of its own for what HTTP has in other words.

/** A row of the suite, or one of tools alone. */
export interface ToolCase extends Omit<ConditionCase, 'run'> {
  /** Where only one of them can do what it is about. */
  readonly at?: ToolSite['name']
  run(stage: ToolStage): Promise<void>
}

const id = 'https://calendar.example'
const dataOf = (...fields: string[]) => ({ type: 'data', resource: id, fields })
const mail = '{"items":[{"id":1,"title":"a","body":"hidden"},{"id":2,"title":"b","body":"hidden"}],"next":null}'
const left = '{"items":[{"title":"a"},{"title":"b"}]}'
const textOf = (text: string): string => JSON.stringify({ type: 'text', text })
const twin = `{"content":[${textOf(mail)}],"structuredContent":${mail}}`

/** A caller that may see some fields. */
async function under({ world, holder }: ToolStage, ...lists: string[][]) {
  const as = await holder({ constraints: lists.map(fields => dataOf(...fields)) })
  // What a server answers stands last in the arguments, to the letter; how, where HTTP tells it, before.
  return (says: string, http: object = {}, more: object = {}): Promise<Wire> =>
    world.request({
      as,
      method: 'POST',
      target: '/inbox',
      body: `{"http":${JSON.stringify(http)},"says":${says}}`,
      ...more,
    })
}

const shown = (structured: string, content = `[${textOf(structured)}]`): string =>
  `{"jsonrpc":"2.0","id":7,"result":{"content":${content},"structuredContent":${structured}}}`

const headersOf = ({ headers }: Answer) => [headers.get('content-type'), headers.get('content-length')]

/** Headers of the connection, the session and the guard's own. */
const own =
  /^(connection|keep-alive|content-length|transfer-encoding|date|content-type|cache-control|vary|x-request-id|mcp-session-id|access-control-expose-headers)$/

const withheld = ({ status, error, reason, headers, body }: Answer) => [
  status,
  error,
  reason,
  headers.get('agent-auth'),
  body.includes('hidden'),
]
const isWithheld = [403, 'policy_denied', 'answer_withheld', undefined, false]

const results: readonly ToolCase[] = [
  {
    ids: ['DEL-54', 'DEL-65', 'policy.data'],
    type: 'data',
    title: 'the listed fields alone go out, in both forms of a result, with the length of what is left',
    async run(stage) {
      const { passes } = await stage.site()
      const call = await under(stage, ['/items/*/title'])
      const rows = [
        [twin, shown(left)],
        [`{"structuredContent":${mail},"content":[]}`, shown(left, '[]')],
        [twin.replace(/}$/, ',"_meta":{"total":"hidden"}}'), shown(left)],
      ] as const
      for (const [says, expected] of rows) {
        const answer = await passes(await call(says))
        expect([answer.body, ...headersOf(answer)]).toEqual([expected, 'application/json', String(expected.length)])
      }
      expect((await passes(await (await under(stage))(twin))).body).toContain('hidden')
    },
  },
  {
    ids: ['DEL-55'],
    type: 'data',
    title: 'a pointer names what it says: one element, no element, nothing below a number',
    async run(stage) {
      const { passes, refused } = await stage.site()
      const left = async (says: string, ...lists: string[][]) =>
        (await passes(await (await under(stage, ...lists))(`{"structuredContent":${says},"content":[]}`))).body
      expect(await left(mail, ['/items/0/title'])).toBe(shown('{"items":[{"title":"a"},null]}', '[]'))
      expect(await left(mail, ['/items/-'])).toBe(shown('{"items":[null,null]}', '[]'))
      expect(await left(mail, ['/items/01'])).toBe(shown('{"items":[null,null]}', '[]'))
      expect(await left('{"a":5}', ['/a/b'])).toBe(shown('{}', '[]'))
      expect(await left('{"a":{"c":1}}', ['/a/b'])).toBe(shown('{"a":{}}', '[]'))
      expect(await left(mail, ['/items/*/title', '/next'], ['/items/0'])).toBe(
        shown('{"items":[{"title":"a"},null]}', '[]'),
      )
      await refused(await (await under(stage, ['items']))(twin), denied('condition_malformed'))
    },
  },
  {
    ids: ['DEL-57'],
    type: 'data',
    title: 'what is let through stays byte for byte',
    at: 'mcpBehindGateway',
    async run(stage) {
      const { passes } = await stage.site()
      const call = await under(stage, ['/2', '/1', '/n', '/z', '/e', '/__proto__/a', '/constructor'])
      const kept =
        '{"2":12345678901234567890,"1":1.10,"n":1e400,"z":-0,"e":"\\u00e9","__proto__":{"a":1},"constructor":[1.0]}'
      const said = kept.replace('{"a":1}', '{"a":1,"b":2}').replace('"e":', '"secret": "x", "e":')
      expect((await passes(await call(`{"structuredContent":${said}}`))).body).toBe(shown(kept, '[]'))
    },
  },
  {
    ids: ['DEL-58', 'DEL-63', 'DEL-65'],
    type: 'data',
    title: 'a result that says more than its structured content is withheld, after the tool ran',
    async run(stage) {
      const { plan, outcome, passes } = await stage.site()
      const call = await under(stage, [''])
      const image = '{"type":"image","data":"aGlkZGVu","mimeType":"image/png"}'
      const link = '{"type":"resource_link","uri":"file:///hidden","name":"hidden"}'
      const all = [
        `{"content":[${textOf('hidden')}]}`,
        `{"content":[${textOf('{"items":[]}')}],"structuredContent":${mail}}`,
        `{"content":[${textOf(mail)},${image}],"structuredContent":${mail}}`,
        `{"content":[${link}],"structuredContent":${mail}}`,
        `{"content":[${textOf(mail)}],"structuredContent":${mail},"isError":true}`,
      ]
      for (const says of all) {
        const before = plan.ran
        const { answer, events } = await outcome(await call(says))
        expect([withheld(answer), plan.ran - before], says).toEqual([isWithheld, 1])
        expect(events.map(({ type }) => type)).toEqual(['passed', 'refused'])
      }
      await passes(await call(twin))
    },
  },
  {
    ids: ['DEL-58'],
    type: 'data',
    title: 'an answer that is no message is withheld',
    at: 'mcpBehindGateway',
    async run(stage) {
      const { outcome, passes } = await stage.site()
      const call = await under(stage, [''])
      const others = [
        'text/html',
        'text/csv',
        'application/x-ndjson',
        'application/json-seq',
        'multipart/mixed',
        'json',
      ]
      for (const type of [...others, 'application/json, text/html']) {
        const { answer } = await outcome(await call(twin, { headers: { 'content-type': type } }))
        expect(withheld(answer), type).toEqual(isWithheld)
      }
      const coded = await outcome(await call(twin, { headers: { 'content-encoding': 'gzip' } }))
      expect(withheld(coded.answer)).toEqual(isWithheld)
      await passes(await call(twin, { headers: { 'content-type': 'application/json; charset=utf-8' } }))
    },
  },
  {
    ids: ['DEL-59'],
    type: 'data',
    title: 'of headers the type, the length and the session go out; no trailer, no 103, no phrase',
    at: 'mcpBehindGateway',
    async run(stage) {
      const { passes } = await stage.site()
      const call = await under(stage, ['/items/*/title'])
      const names = ['ETag', 'Content-Digest', 'Link', 'Location', 'Content-Disposition', 'Set-Cookie', 'X-Total-Count']
      const more = ['Last-Modified', 'Server-Timing', 'Content-Language', 'WWW-Authenticate', 'CDN-Cache-Control']
      const headers = Object.fromEntries([...names, ...more].map(name => [name, 'hidden']))
      const beside = {
        reason: '200 hidden',
        hints: { link: '</hidden>; rel=preload' },
        trailers: { 'X-Sum': 'hidden' },
      }
      const answer = await passes(await call(twin, { headers, ...beside }))
      expect(answer.body).toBe(shown(left))
      expect([...answer.headers].filter(([name]) => !own.test(name))).toEqual([])
      expect(JSON.stringify([...answer.headers])).not.toContain('hidden')
      // The twin: without the condition they go out.
      expect((await passes(await (await under(stage))(twin, { headers }))).headers.get('x-total-count')).toBe('hidden')
    },
  },
  {
    ids: ['DEL-60'],
    type: 'data',
    title: 'a call that is conditional or asks for a part is refused',
    async run(stage) {
      const { passes, refused } = await stage.site()
      const call = await under(stage, [''])
      const free = await under(stage)
      for (const header of [
        ['If-Match', '"x"'],
        ['If-None-Match', '"hidden"'],
        ['Range', 'bytes=0-9'],
      ] as const) {
        const headers = [header]
        await refused(await call(twin, {}, { headers }), { ...denied('condition_data'), what: header[0] })
        await passes(await free(twin, {}, { headers }))
      }
      await passes(await call(twin))
    },
  },
  {
    ids: ['DEL-61'],
    type: 'data',
    title: 'of an answer that is no success the status goes out alone',
    at: 'mcpBehindGateway',
    async run(stage) {
      const { outcome } = await stage.site()
      const call = await under(stage, [''])
      for (const status of [404, 409, 302, 500, 503]) {
        const headers = { location: '/hidden', 'x-why': 'hidden' }
        const { answer } = await outcome(await call(twin, { status, headers }))
        expect([answer.status, answer.body]).toEqual([status, ''])
        expect([...answer.headers].filter(([name]) => !own.test(name))).toEqual([])
      }
    },
  },
]

const messages: readonly ToolCase[] = [
  {
    ids: ['DEL-71'],
    type: 'arguments',
    title: 'arguments that are not one JSON object, or of another type, coding or charset, refuse',
    async run(stage) {
      const { passes, refused } = await stage.site()
      const where = [{ at: '/to', in: ['bob'] }]
      const as = await stage.holder({ constraints: [{ type: 'arguments', resource: id, of: 'send', where }] })
      const call = (body: string, more: object = {}) =>
        stage.world.request({ as, method: 'POST', target: '/send', body, ...more })
      const good = '{"to":"bob"}'
      const malformed = { status: 400, error: 'invalid_request', reason: 'rpc_malformed' }
      await passes(await call(good))
      await passes(await call(good, { contentType: 'application/json; charset=utf-8' }))
      for (const body of ['{"to":"bob","to":"eve"}', '{"to":"bob","\\u0074o":"eve"}', `\ufeff${good}`, ''])
        await refused(await call(body), { ...malformed, what: body })
      for (const contentType of ['text/plain', 'application/json; charset=utf-16', 'application/json-seq'])
        await refused(await call(good, { contentType }), { status: 415, what: contentType })
      await refused(await call(good, { contentType: 'application/x-www-form-urlencoded' }), { status: 415 })
      await refused(await call(good, { headers: [['content-encoding', 'gzip']] }), { status: 415 })
      for (const body of ['[]', '"bob"', '{}', 'null']) await refused(await call(body), denied('condition_arguments'))
    },
  },
  {
    ids: ['DEL-35', 'policy.order'],
    type: 'calls',
    title: 'a refused call costs none',
    async run(stage) {
      const site = await stage.site()
      const { world, holder } = stage
      const constraints = [
        { type: 'calls', max: 3, per: 'day' },
        { type: 'arguments', resource: id, of: 'read', where: [{ at: '/a' }] },
      ]
      const as = await holder({ constraints })
      const call = (target: string, body = '{}') => world.request({ as, method: 'POST', target, body })
      await site.refused(await call('/edit'), { status: 403, error: 'insufficient_scope' })
      await site.refused(await call('/read', '{"b":1}'), denied('condition_arguments'))
      const both = await holder({ scope: 'events.read events.write', constraints })
      await site.refused(await world.request({ as: both, target: '/purge?5' }), asked)
      const passing = await call('/read', '{"a":1}')
      await site.passes(passing)
      await site.refused(passing, { status: 401, error: 'replay_detected' })
      await site.passes(await call('/personal'))
      await site.refused(await call('/personal'), { status: 429, reason: 'rate_exceeded' })
      await site.passes(await call('/events'))
      await site.refused(await call('/events'), { status: 429, reason: 'calls_used_up', challenge: 'none' })
    },
  },
]

const approvals: readonly ToolCase[] = [
  {
    ids: ['APR-02', 'approval.digest'],
    type: 'approval',
    title: 'a call that differs in a byte, the tool or the type is another one',
    async run(stage) {
      const site = await stage.site()
      const digest = await digestOf(stage, site)
      const others = [{ body: `${lunch} ` }, { contentType: 'application/json;charset=utf-8' }]
      for (const other of others) {
        const answer = await site.refused(await sent(stage, { ...other, ...approved(digest) }), asked)
        expect(challenged(answer).operation?.digest).not.toBe(digest)
      }
      const message = {
        jsonrpc: '2.0',
        id: 7,
        method: 'tools/call',
        params: { name: 'send', arguments: { to: 'eve' } },
      }
      const inFlight = { ...(await sent(stage, approved(digest))), body: Buffer.from(JSON.stringify(message)) }
      await site.refused(inFlight, { status: 401, error: 'invalid_signature' })
      await site.passes(await sent(stage, approved(digest)))
    },
  },
  {
    ids: ['APR-19'],
    type: 'approval',
    title: 'a content coding is refused, and a display sees nothing that is not covered',
    async run(stage) {
      const site = await stage.site()
      const digest = await digestOf(stage, site)
      const coded = plus('content-encoding', 'identity')(await sent(stage, approved(digest)))
      await site.refused(coded, { status: 415 })
      await site.passes(plus('x-dry-run', '1')(await sent(stage, approved(digest))))
    },
  },
  {
    ids: ['APR-39', 'approval.shown'],
    type: 'approval',
    title: 'a call with more arguments than its user is shown is refused, and so are arguments in another case',
    async run(stage) {
      const site = await stage.site()
      for (const member of ['"bcc":"eve"', '"TO":"eve"', '"to\u200b":"eve"', '"cc":[]', '"__proto__":{"to":"eve"}']) {
        const body = lunch.replace('}', `,${member}}`)
        await site.refused(await sent(stage, { body }), { ...unshowable, what: member })
      }
      await site.refused(await sent(stage), asked)
      await site.passes(await sent(stage, approved(await digestOf(stage, site))))
    },
  },
  {
    ids: ['APR-16', 'APR-35', 'approval.display'],
    type: 'approval',
    title: 'what cannot be shown is refused, never cut; what is shown stands in no record',
    async run(stage) {
      const site = await stage.site()
      const before = stage.world.events.length
      const about = (subject: string) => ({ body: JSON.stringify({ subject, to: 'b' }) })
      await site.refused(await sent(stage, about('x'.repeat(490))), asked)
      await site.refused(await sent(stage, about('😀'.repeat(490))), asked)
      const unfit = ['x'.repeat(491), 'a\u202eb', 'a\u2066b', 'a\u200bb', 'a\nb', 'a\u2028b', 'a\u001fb']
      for (const subject of unfit) await site.refused(await sent(stage, about(subject)), unshowable)
      const malformed = { status: 400, reason: 'rpc_malformed' }
      for (const body of [
        JSON.stringify({ subject: 'a\ud800b', to: 'b' }),
        '{"subject":"a","subject":"b","to":"c"}',
        '{',
      ])
        await site.refused(await sent(stage, { body }), malformed)
      for (const body of ['{"to":"b"}', '{"subject":{},"to":"b"}'])
        await site.refused(await sent(stage, { body }), unshowable)
      await site.refused(await sent(stage), asked)
      const told = JSON.stringify(stage.world.events.slice(before))
      expect(told).toContain('approval_needed')
      expect(told).not.toMatch(/Lunch|bob@example|xxxx/)
      expect((await site.stop()).join('\n')).not.toMatch(/Lunch|bob@example|xxxx/)
    },
  },
  {
    ids: ['APR-06', 'approval.token'],
    type: 'approval',
    title: 'an approval opens no other tool, and is not used up there',
    async run(stage) {
      const site = await stage.site()
      const digest = await digestOf(stage, site)
      const mine = approved(digest, { jti: crypto.randomUUID(), scope: 'events.read events.write' })
      for (const target of ['/read', '/edit', '/agenda', '/events'])
        await site.refused(await sent(stage, { ...mine, target }), { ...another, what: target })
      await site.passes(await sent(stage, mine))
      await site.refused(await sent(stage, mine), used)
    },
  },
  {
    ids: ['APR-26'],
    type: 'approval',
    title: 'a caller without an auth token does not call a tool that asks approval',
    async run(stage) {
      const { world, as } = stage
      const site = await stage.site()
      const body = Buffer.from(
        `{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{"name":"send","arguments":${lunch}}}`,
      )
      const headers = [
        ['host', 'calendar.example'],
        ['content-type', 'application/json'],
      ] as const
      const invalid = { status: 401, error: 'invalid_signature' }
      await site.refused(unsigned('/mcp', { method: 'POST', headers, body }), invalid)
      const bearer = [...headers, ['authorization', 'Bearer token']] as const
      await site.refused(unsigned('/mcp', { method: 'POST', headers: bearer, body }), invalid)
      const call = (by: typeof as) => world.request({ as: by, method: 'POST', target: '/approved', body: lunch })
      await site.refused(await call(asKey(as.key)), { status: 401, error: 'insufficient_level' })
      const answer = await site.refused(await call(asAgent(world.agent)), { ...asked, reason: 'level_insufficient' })
      expect(challenged(answer).operation).toBeUndefined()
      await site.refused(await sent(stage), asked)
    },
  },
  {
    ids: ['APR-27'],
    type: 'approval',
    title: 'a call that would not pass anyway is neither described nor quoted',
    async run(stage) {
      // To open a session is a request, too.
      const limits = { authorized: stage.name === 'guardMcp' ? '2/hour' : '1/hour' } as const
      const site = await stage.site({ limits })
      const scope = await site.refused(await sent(stage, { claims: { scope: 'events.read' } }), {
        status: 403,
        error: 'insufficient_scope',
      })
      expect(challenged(scope).operation).toBeUndefined()
      const ended = { claims: { constraints: [{ type: 'until', time: 1 }] } }
      await site.refused(await sent(stage, ended), denied('condition_ended'))
      await site.refused(await sent(stage), asked)
      await site.refused(await sent(stage), { status: 429, error: 'rate_limited', challenge: 'none' })
    },
  },
  {
    ids: ['APR-30', 'policy.approval'],
    type: 'approval',
    title: 'a condition asks approval where the tool does not, by name or for all, and refuses where there is no scope',
    async run(stage) {
      const { world } = stage
      const site = await stage.site()
      const of = (names: unknown, resource = id) => [{ type: 'approval', resource, of: names }]
      const calls = (constraints: unknown, more: object = {}) => ({
        target: '/read',
        body: '{}',
        claims: { scope: 'events.read', constraints, ...more },
      })
      await site.passes(await sent(stage, calls(of(['purge']))))
      await site.passes(await sent(stage, calls(of('*', 'https://other.example'))))
      const digest = await digestOf(stage, site, calls(of(['read'])))
      await site.refused(await sent(stage, calls(of('*'))), asked)
      await site.passes(await sent(stage, calls(of('*'), { operation_digest: digest })))
      // A delegate: where a scope is asked it climbs first.
      const call = async (target: string, names: unknown) =>
        world.request({ as: await delegate(stage, of(names)), method: 'POST', target, body: '{}' })
      await site.refused(await call('/agenda', '*'), denied('approval_needed'))
      await site.passes(await call('/agenda', ['read']))
      await site.refused(await call('/read', ['read']), { ...asked, reason: 'level_insufficient' })
    },
  },
]

const ofTools: readonly ToolCase[] = [...results, ...messages, ...approvals]
const ofAll: readonly ConditionCase[] = [...conditionCases, ...operandCases, ...callCases, ...approvalCases]

/** The cases at a server of tools: one list for `guardMcp` and for a server behind the gateway. */
export const toolCases = (at: ToolSite['name']): readonly ToolCase[] => [
  ...ofAll.filter(({ httpOnly }) => httpOnly !== true),
  ...ofTools.filter(row => row.at === undefined || row.at === at),
]

/** Runs the cases. */
export function toolPolicies(site: ToolSite, stageOf: (site: ToolSite, isApproving: boolean) => ToolStage): void {
  describe(site.name, () => {
    for (const { ids, type, title, run } of toolCases(site.name)) {
      const [first = '', ...more] = [...ids, title]
      const stage = stageOf(site, type === 'approval')
      test(verifies(first, more[0] ?? '', ...more.slice(1)), () => run(stage))
    }
  })
}
