import type { Condition } from '@countersign/conditions'
import { verifies } from '@countersign/requirements'
import type { Answer, Wire } from '@countersign/testing/wire'
import { describe, expect, test } from 'vitest'
import type { Said } from '../site-pages.test.fixture.js'
import type { Stage } from './stage.test.fixture.js'

const id = 'https://calendar.example'

const dataOf = (...fields: string[]): Condition => ({ type: 'data', resource: id, fields })

const json = { 'content-type': 'application/json' }

/** Headers that may go out beside the type and the date: of the connection, the guard's own, and what the app set before it. */
const own =
  /^(connection|keep-alive|content-length|transfer-encoding|date|content-type|cache-control|vary|x-request-id|x-powered-by)$/

const denied = { status: 403, error: 'policy_denied', challenge: 'none' }

/** What of answers goes out under `data`. Where no answer is seen, a token with the condition is refused. */
export function answers(stage: Stage): void {
  const { world, adapter, site, holder } = stage

  /** Requests of a caller that may see some fields. */
  const callers = async (...lists: string[][]) => {
    const as = await holder({ constraints: lists.map(fields => dataOf(...fields)) })
    const get = (more: Partial<Parameters<typeof world.request>[0]> = {}): Promise<Wire> =>
      world.request({ as, target: '/inbox', ...more })
    return { get, post: (said: Said | object) => get({ method: 'POST', body: JSON.stringify(said) }) }
  }

  if (adapter.seesAnswers === false) {
    describe('answers that are not seen', () => {
      test(
        verifies(
          'policy.data',
          'policy.supported',
          'policy.unjudged',
          'a caller that may see parts of them is refused',
        ),
        async () => {
          const { refused, passes, send } = await site()
          const { get } = await callers(['/items/*/title'])
          await refused(await get(), { ...denied, reason: 'conditions_unsupported' })
          await passes(await world.request({ as: await holder(), target: '/inbox' }))
          const elsewhere = { type: 'data', resource: 'https://mail.example', fields: ['/a'] }
          await passes(await world.request({ as: await holder({ constraints: [elsewhere] }), target: '/inbox' }))
          const { body } = await send({
            method: 'GET',
            target: '/.well-known/aauth-resource',
            headers: [['host', 'calendar.example']],
          })
          expect(JSON.parse(body).constraints_supported).not.toContain('data')
        },
      )
    })
    return
  }

  describe('answers under data', () => {
    const shown = ({ status, body, headers }: Answer) => [status, body, headers.get('content-length')]

    test(verifies('DEL-54', 'the listed fields alone go out, with the length of what is left'), async () => {
      const { passes } = await site()
      const { get } = await callers(['/items/*/title'])
      const left = '{"items":[{"title":"a"},{"title":"b"}]}'
      expect(shown(await passes(await get()))).toEqual([200, left, String(left.length)])
      const plain = await passes(await world.request({ as: await holder(), target: '/inbox' }))
      expect(plain.body).toBe('{"items":[{"id":1,"title":"a","body":"x"},{"id":2,"title":"b","body":"y"}],"next":null}')
    })

    test(
      verifies('DEL-55', 'a pointer names what it says: one element, no element, nothing below a number'),
      async () => {
        const { passes, refused } = await site()
        const inbox = async (...fields: string[]) => (await passes(await (await callers(fields)).get())).body
        expect(await inbox('/items/0/title')).toBe('{"items":[{"title":"a"},null]}')
        expect(await inbox('/items/-')).toBe('{"items":[null,null]}')
        expect(await inbox('/items/01')).toBe('{"items":[null,null]}')
        const { post } = await callers(['/a/b'])
        const said = async (body: string) => (await passes(await post({ headers: json, body }))).body
        expect(await said('{"a":5}')).toBe('{}')
        expect(await said('{"a":{"c":1}}')).toBe('{"a":{}}')
        await refused(await (await callers(['items'])).get(), { ...denied, reason: 'condition_malformed' })
        const both = await callers(['/items/*/title', '/next'], ['/items/0'])
        expect((await passes(await both.get())).body).toBe('{"items":[{"title":"a"},null]}')
      },
    )

    test(verifies('DEL-57', 'what is let through stays byte for byte'), async () => {
      const { passes } = await site()
      const { post } = await callers(['/2', '/1', '/n', '/z', '/e', '/__proto__/a', '/constructor'])
      const kept =
        '{"2":12345678901234567890,"1":1.10,"n":1e400,"z":-0,"e":"\\u00e9","__proto__":{"a":1},"constructor":[1.0]}'
      const body = kept.replace('{"a":1}', '{"a":1,"b":2}').replace('"e":', '"secret": "x", "e":')
      expect((await passes(await post({ headers: json, body }))).body).toBe(kept)
    })

    test(verifies('DEL-58', 'DEL-63', 'an answer that is no JSON is withheld, after it was made'), async () => {
      const { passes, plan, outcome } = await site()
      const { post } = await callers([''])
      const withheld = async (said: Said & { times?: number }, what: string) => {
        const before = plan.ran
        const { answer, events } = await outcome(await post(said))
        const { status, error, reason, headers, body } = answer
        expect([status, error, reason, headers.get('agent-auth')], what).toEqual([
          403,
          'policy_denied',
          'answer_withheld',
          undefined,
        ])
        expect(body, what).not.toContain('hidden')
        expect([plan.ran - before, events.map(({ type }) => type)], what).toEqual([1, ['passed', 'refused']])
      }
      const others = [
        'text/html',
        'text/csv',
        'application/x-ndjson',
        'application/json-seq',
        'text/event-stream',
        'multipart/mixed',
      ]
      for (const type of [...others, 'application/json; charset=utf-16', 'application/json, text/html', 'json'])
        await withheld({ lines: [['Content-Type', type]], body: '{"a":"hidden"}' }, type)
      await withheld({ headers: { 'content-type': 'text/html' }, body: '{"a":"hidden"}' }, 'text/html')
      const lines = [
        ['Content-Type', 'application/json'],
        ['Content-Type', 'text/html'],
      ] as const
      await withheld({ lines, body: '{"a":"hidden"}' }, 'two lines')
      await withheld({ headers: { ...json, 'content-encoding': 'gzip' }, body: '{"a":"hidden"}' }, 'a coding')
      await passes(await post({ headers: { ...json, 'content-encoding': 'identity' }, body: '{"a":1}' }))
      await withheld({ status: 206, headers: json, body: '{"a":"hidden"}' }, 'a part')
      for (const body of ['"hidden"', '{"a":"hidden","a":1}', '{"a":"hidden"', '\ufeff{"a":"hidden"}'])
        await withheld({ headers: json, body }, body)
      await withheld({ headers: json, body: '{"a":"hidden"}', times: 200_000 }, 'too long')
      const hal = { 'content-type': 'application/hal+json; profile="hidden"' }
      const answer = await passes(await post({ headers: hal, body: '{"a":1}' }))
      expect([answer.body, answer.headers.get('content-type')]).toEqual(['{"a":1}', 'application/hal+json'])
      expect(
        (await passes(await post({ headers: { 'content-type': 'application/json; charset=utf-8' }, body: '[]' }))).body,
      ).toBe('[]')
    })

    test(
      verifies('DEL-59', 'of headers the type, the date and Retry-After go out; no trailer, no 103, no phrase'),
      async () => {
        const { passes } = await site()
        const { post } = await callers(['/a'])
        const names = [
          'ETag',
          'Content-Digest',
          'Link',
          'Location',
          'Content-Disposition',
          'Set-Cookie',
          'X-Total-Count',
        ]
        const more = ['Last-Modified', 'Server-Timing', 'Content-Language', 'WWW-Authenticate', 'CDN-Cache-Control']
        const headers = {
          ...json,
          ...Object.fromEntries([...names, ...more].map(name => [name, 'hidden'])),
          'retry-after': 'hidden',
        }
        const told = async (said: object) => {
          const answer = await passes(await post({ headers, body: '{"a":1,"b":2}', ...said }))
          expect(answer.body).toBe('{"a":1}')
          expect([...answer.headers].filter(([name]) => !own.test(name))).toEqual([])
          expect(JSON.stringify([...answer.headers])).not.toContain('hidden')
        }
        await told({})
        await told({ lines: [['Set-Cookie', 'hidden=1']] })
        if (adapter.wire) {
          const hints = { link: '</hidden>; rel=preload' }
          await told({ beside: { reason: '200 hidden', hints, trailers: { 'X-Sum': 'hidden' } } })
        }
      },
    )

    test(
      verifies(
        'DEL-60',
        'policy.data.before',
        'policy.data.whole',
        'a safe request asks for the whole, an unsafe one is refused',
      ),
      async () => {
        const { passes, refused } = await site()
        const { get } = await callers(['/next'])
        const twin = await holder()
        for (const header of [
          ['If-None-Match', '"hidden"'],
          ['If-Modified-Since', 'Fri, 01 Jan 2027 00:00:00 GMT'],
          ['Range', 'bytes=0-9'],
        ] as const) {
          expect(shown(await passes(await get({ headers: [header] })))).toEqual([200, '{"next":null}', '13'])
          const body = JSON.stringify({ headers: json, body: '{"next":1}' })
          const sent = { method: 'POST', headers: [header, ['If-Match', '"x"'] as const], body }
          await refused(await get(sent), { ...denied, reason: 'condition_data' })
          await passes(await world.request({ as: twin, target: '/inbox', ...sent }))
        }
      },
    )

    test(verifies('DEL-61', 'of an answer that is no success the status goes out alone'), async () => {
      const { outcome } = await site()
      const { post } = await callers([''])
      for (const status of [404, 409, 302, 500, 503]) {
        const headers = { ...json, location: '/hidden', 'x-why': 'hidden', 'retry-after': '7' }
        const { answer } = await outcome(await post({ status, headers, body: '{"a":"hidden"}' }))
        expect([answer.status, answer.body, answer.headers.get('retry-after')]).toEqual([status, '', '7'])
        expect([...answer.headers].filter(([name]) => !own.test(name) && name !== 'retry-after')).toEqual([])
        expect(answer.headers.get('content-type')).toBeUndefined()
      }
    })

    test(verifies('policy.data', 'an empty answer has nothing to hide'), async () => {
      const { outcome } = await site()
      const { post, get } = await callers(['/a'])
      for (const status of [200, 201, 202, 204]) {
        const { answer } = await outcome(await post({ status, headers: { location: '/hidden' }, body: '' }))
        expect([answer.status, answer.body, answer.headers.get('location')]).toEqual([status, '', undefined])
      }
      const head = (await outcome(await get({ method: 'HEAD' }))).answer
      expect([head.status, head.body, head.headers.get('etag')]).toEqual([200, '', undefined])
    })

    test(verifies('policy.own-words', 'the fields of another resource are none of this one’s'), async () => {
      const { passes } = await site()
      const constraints = [{ type: 'data', resource: 'https://mail.example', fields: ['/a'] }]
      const answer = await passes(await world.request({ as: await holder({ constraints }), target: '/inbox' }))
      expect(answer.headers.get('etag')).toBe('"hidden"')
    })
  })
}

/** Conditions that look at single calls, of which a socket has none. */
export function sockets({ world, site, holder }: Stage): void {
  test(verifies('policy.streams', 'no socket is opened under a condition on single calls'), async () => {
    const { refused } = await site()
    const handshake = [
      ['connection', 'Upgrade'] as const,
      ['upgrade', 'websocket'] as const,
      ['sec-websocket-key', 'dGhlIHNhbXBsZSBub25jZQ=='] as const,
      ['sec-websocket-version', '13'] as const,
    ]
    const where = [{ at: '/a' }]
    const kinds = [
      dataOf('/a'),
      { type: 'arguments', resource: id, of: 'send', where },
      { type: 'approval', resource: id, of: '*' },
      { type: 'calls', max: 9, per: 'day' },
    ]
    for (const constraint of kinds) {
      const as = await holder({ constraints: [constraint] })
      const wire = await world.request({ as, target: '/inbox', headers: handshake, additionalComponents: ['upgrade'] })
      await refused(wire, { ...denied, reason: 'condition_upgrade', what: constraint.type })
    }
  })
}
