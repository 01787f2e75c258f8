import { verifies } from '@countersign/requirements'
import { describe, test } from 'vitest'
import type { ConditionCase } from './conditions.test.fixture.js'
import type { Expected, Stage } from './stage.test.fixture.js'

// Conditions of type `arguments`. One table: each row runs behind every adapter.

const id = 'https://calendar.example'
const denied = { status: 403, error: 'policy_denied', challenge: 'none' }
const reason = 'condition_arguments'

const to = (where: readonly object[]) => ({ type: 'arguments', resource: id, of: 'send', where })

/** Asks a site with a body, of callers under rules. */
async function sending({ world, site, holder }: Stage, ...where: object[]) {
  const { passes, refused } = await site()
  const as = await holder({ constraints: [to(where)] })
  const wire = (body: string | Uint8Array<ArrayBuffer>, more: object = {}) =>
    world.request({
      as,
      method: 'POST',
      target: '/send',
      ...(typeof body === 'string' ? { body } : { bytes: body }),
      ...more,
    })
  return {
    passes: async (body: string, more?: object) => passes(await wire(body, more)),
    refused: async (body: string | Uint8Array<ArrayBuffer>, more?: object, expected: Partial<Expected> = {}) =>
      refused(await wire(body, more), { ...denied, reason, what: String(body), ...expected }),
  }
}

/** The cases that every adapter runs. */
export const operandCases: readonly ConditionCase[] = [
  {
    ids: ['DEL-69'],
    type: 'arguments',
    title: 'a member that is not listed refuses, however it is hidden',
    async run(stage) {
      const { passes, refused } = await sending(stage, { at: '/to', in: ['bob'] }, { at: '/subject' }, { at: '/text' })
      const rest = '"to":"bob","subject":"hi","text":"t"'
      await passes(`{${rest}}`)
      const more = [
        '"bcc":"eve"',
        '"TO":"eve"',
        '"to ":"eve"',
        '"cc":[]',
        '"opts":{}',
        '"opts":{"cc":"eve"}',
        '"__proto__":{"a":1}',
      ]
      for (const member of more) await refused(`{${rest},${member}}`)
    },
  },
  {
    ids: ['DEL-71', 'policy.json'],
    type: 'arguments',
    title: 'a body that is not one JSON text, or a query beside it, refuses',
    httpOnly: true,
    async run(stage) {
      const { passes, refused } = await sending(stage, { at: '/to', in: ['bob'] })
      const good = '{"to":"bob"}'
      await passes(good)
      await passes(good, { contentType: 'application/vnd.mail+json; charset=utf-8' })
      await refused('to=bob', { contentType: 'application/x-www-form-urlencoded' })
      for (const contentType of ['text/plain', 'application/json; charset=utf-16', 'application/json-seq'])
        await refused(good, { contentType })
      for (const body of ['', `\ufeff${good}`, '{"to":"bob","to":"eve"}']) await refused(body)
      await refused(new Uint8Array(Buffer.from(good, 'utf16le')))
      await refused(good, { target: '/send?to=eve' })
      await refused(good, { headers: [['content-encoding', 'gzip']] })
    },
  },
  {
    ids: ['DEL-76', 'policy.folded'],
    type: 'arguments',
    title: 'members that a reader without case takes for one',
    async run(stage) {
      const { passes, refused } = await sending(stage, { at: '/to', in: ['bob'] }, { at: '' })
      for (const name of ['To', 'TO', 't\u200bo', ' to']) {
        await refused(`{"to":"bob","${name}":"eve"}`)
        await refused(`{"to":"bob","more":[{"to":1,"${name}":2}]}`)
      }
      await passes('{"to":"bob","more":[{"To":1}],"cc":2}')
    },
  },
  {
    ids: ['DEL-72'],
    type: 'arguments',
    title: 'max: numbers by value',
    async run(stage) {
      const { passes, refused } = await sending(stage, { at: '/amount', max: 100 }, { at: '/note' })
      for (const value of ['100', '100.0', '1e2']) await passes(`{"amount":${value}}`)
      for (const value of ['100.5', '"100"', '1e400', '9007199254740993', 'true', 'null', '[100]'])
        await refused(`{"amount":${value}}`)
      await refused('{"note":1}')
    },
  },
  {
    ids: ['DEL-73'],
    type: 'arguments',
    title: 'in compares type and value',
    async run(stage) {
      const { passes, refused } = await sending(stage, { at: '/x', in: [1, 'a', null, '\u00e9'] }, { at: '/y' })
      for (const value of ['1.0', '"a"', 'null', '"\u00e9"']) await passes(`{"x":${value}}`)
      for (const value of ['"1"', '"A"', '"e\u0301"']) await refused(`{"x":${value}}`)
      await refused('{"y":1}')
    },
  },
  {
    ids: ['DEL-74'],
    type: 'arguments',
    title: 'prefix and maxLength: code points',
    async run(stage) {
      const prefix = await sending(stage, { at: '/url', prefix: 'https://bob.example/' })
      await prefix.passes('{"url":"https://bob.example/x"}')
      for (const value of ['"https://bob.example.evil/"', '" https://bob.example/x"', '"HTTPS://bob.example/x"', '5'])
        await prefix.refused(`{"url":${value}}`)
      const length = await sending(stage, { at: '/text', maxLength: 20 })
      await length.passes(`{"text":"${'\u{1f600}'.repeat(20)}"}`)
      await length.refused(`{"text":"${'\u{1f600}'.repeat(21)}"}`)
    },
  },
  {
    ids: ['policy.arguments'],
    type: 'arguments',
    title: 'another operation, and the words of another resource, are none of its',
    async run(stage) {
      const { passes } = await stage.site()
      const where = [{ at: '/to' }]
      const of = async (constraint: object, target: string) =>
        passes(
          await stage.world.request({
            as: await stage.holder({ constraints: [constraint] }),
            method: 'POST',
            target,
            body: '{"b":1}',
          }),
        )
      await of({ ...to(where), resource: 'https://mail.example' }, '/send')
      await of({ ...to(where), of: 'purge' }, '/send')
    },
  },
]

/** Which bodies pass under `arguments`. */
export function operands(stage: Stage): void {
  describe('bodies under arguments', () => {
    for (const { ids, title, run } of operandCases) {
      const [first = '', ...more] = [...ids, title]
      test(verifies(first, more[0] ?? '', ...more.slice(1)), () => run(stage))
    }
  })
}
