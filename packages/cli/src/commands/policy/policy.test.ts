import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { conflicts, parseConditions, refusedBy } from '@countersign/conditions'
import { temporaryFolder } from '@countersign/testing/folders'
import { describe, expect, test, vi } from 'vitest'
import { comparePolicies } from './compare.js'
import { type RequestFlags, requestOf } from './considered.js'
import { explainPolicy, type PolicyFlags } from './explain.js'
import { testPolicy } from './test-request.js'

const folder = temporaryFolder()
const resource = 'https://mail.corp.example'

function file(name: string, content: unknown): string {
  const path = join(folder, name)
  writeFileSync(path, typeof content === 'string' ? content : JSON.stringify(content))
  return path
}

interface Ended {
  readonly lines: readonly string[]
  readonly code: unknown
}

function run(act: () => void): Ended {
  const out = vi.spyOn(console, 'log').mockImplementation(() => {})
  try {
    act()
    return { lines: out.mock.calls.flat().join('\n').split('\n'), code: process.exitCode ?? 0 }
  } finally {
    out.mockRestore()
    process.exitCode = undefined
  }
}

const explain = (what: string, flags: PolicyFlags = {}): Ended => run(() => explainPolicy(what, flags))
const judge = (what: string, flags: PolicyFlags & RequestFlags): Ended => run(() => testPolicy(what, flags))
const compare = (old: string, other: string, flags: PolicyFlags = {}): Ended =>
  run(() => comparePolicies(old, other, flags))
const jsonOf = ({ lines }: Ended): Record<string, unknown> => JSON.parse(lines.join('\n'))

const policy = file(
  'policy.yaml',
  `
- { type: resources, any: [https://mail.corp.example] }
- { type: scopes, any: [mail.read, mail.send] }
- { type: hours, zone: Europe/Paris, days: [1, 2, 3, 4, 5], from: '09:00', to: '18:00' }
- { type: resources, any: ['https://*.corp.example'] }
- type: arguments
  resource: https://mail.corp.example
  of: send
  where: [{ at: /to, in: [bob@corp.example] }, { at: /text, maxLength: 500 }]
- { type: data, resource: https://mail.corp.example, fields: [/items/*/title] }
- { type: calls, max: 5, per: hour }
`,
)

describe('policy explain', () => {
  test('says each condition in a sentence, and which follows from another', () => {
    const { lines, code } = explain(policy)
    expect(code).toBe(0)
    expect(lines[0]).toBe('7 conditions, which must all hold')
    expect(lines[1]).toBe('  1. Only at mail.corp.example')
    expect(lines[4]).toBe('  4. Only at all sites below corp.example (follows from condition 1)')
    expect(lines.at(-1)).toBe('can hold: there are requests that this policy allows')
    expect(explain(policy, { lang: 'de' }).lines[4]).toMatch(/\(folgt aus Bedingung 1\)$/)
  })

  test('names the conditions that no request meets together, and ends with 1', () => {
    const never = file('never.json', [
      { type: 'until', time: 1_800_000_000 },
      { type: 'purposes', any: ['support'] },
      { type: 'calls', max: 5, per: 'day' },
      { type: 'purposes', any: ['billing'] },
    ])
    const ended = explain(never)
    expect([ended.lines.at(-1), ended.code]).toEqual([
      'can never hold: conditions 2 and 4 together refuse every request',
      1,
    ])
    expect(jsonOf(explain(never, { json: true }))).toMatchObject({ can_hold: false, conflict: [2, 4] })
    const alone = file('alone.json', [{ type: 'calls', max: 0, per: 'day' }])
    expect(explain(alone).lines.at(-1)).toBe('can never hold: condition 1 alone refuses every request')
    expect(explain(file('empty.json', [])).lines).toEqual(['no conditions: everything is allowed'])
  })

  test('reads the claim of a token, and prints no part of it', () => {
    const part = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url')
    const claims = { iss: 'https://auth.example', constraints: [{ type: 'scopes', any: ['mail.read'] }] }
    const signature = 'c2VjcmV0LXNpZ25hdHVyZQ'
    const token = `${part({ alg: 'EdDSA', typ: 'auth+jwt' })}.${part(claims)}.${signature}`
    for (const what of [token, file('token.txt', `${token}\n`)]) {
      const { lines, code } = explain(what)
      expect([lines, code]).toEqual([
        [
          'constraints of the token; its signature was not verified (countersign inspect does)',
          '1 condition, which must hold',
          '  1. Only this permission: “mail.read”',
          'can hold: there are requests that this policy allows',
        ],
        0,
      ])
      expect(explain(what, { json: true }).lines.join()).not.toContain(signature)
    }
    const free = `${part({ alg: 'EdDSA' })}.${part({ iss: 'https://auth.example' })}.${signature}`
    expect(() => explain(free)).toThrow('the token has neither constraints nor delegation')
    expect(() => explain(token.replace('.', '!'))).toThrow('there is no such file, and the argument is no token')
  })

  test('the words of a resource stand for its names', () => {
    const words = file('words.json', { resource, scope_descriptions: { 'mail.read': 'Read your mail' } })
    const scopes = file('scopes.json', { conditions: [{ type: 'scopes', any: ['mail.read'] }] })
    expect(explain(scopes, { words }).lines[1]).toBe('  1. Only this permission: Read your mail')
    expect(() => explain(scopes, { words: policy })).toThrow('must hold the metadata of a resource')
  })

  test('a wrong policy is a usage error that names the file and the fault', () => {
    expect(() => explain(file('moon.json', [{ type: 'moon' }]))).toThrow(
      /moon\.json: The list of conditions is malformed, or has one that is not known here: a condition has a type that is not known here/,
    )
    expect(() => explain(file('object.json', { a: 1 }))).toThrow('must hold a list of conditions, or one object with')
    expect(() => explain(file('broken.yaml', '[{'))).toThrow(/cannot read .*broken\.yaml: /)
  })
})

describe('policy test', () => {
  const monday = '2026-12-07T10:00:00Z'
  const send = { resource, at: monday, scope: 'mail.send', operation: 'send' }
  const body = (to: string): string => JSON.stringify({ to, text: 'hello' })

  test('an allowed request ends with 0, a refused one with 1 and the condition that decides', () => {
    const allowed = judge(policy, { ...send, body: body('bob@corp.example') })
    expect([allowed.lines.at(-1), allowed.code]).toEqual(['allowed', 0])
    expect(allowed.lines[0]).toBe('  1.  holds       Only at mail.corp.example')
    const refused = judge(policy, { ...send, body: body('eve@corp.example') })
    expect([refused.lines.at(-1), refused.code]).toEqual(['refused: condition 5 does not hold', 1])
    expect(refused.lines[4]).toMatch(/^ {2}5\. {2}fails {7}mail\.corp\.example: For “send”/)
  })

  test.each<[string, RequestFlags, number]>([
    ['another resource', { resource: 'https://evilcorp.example' }, 1],
    ['another scope', { scope: 'mail.read mail.trash' }, 2],
    ['an hour outside of the window', { at: '2026-12-07T17:00:00Z' }, 3],
    ['a member that stands twice', { body: '{"to":"bob@corp.example","to":"eve@corp.example"}' }, 5],
    ['another operation', { operation: 'other', method: 'DELETE' }, 0],
    ['used up calls', { used: ['5/hour'] }, 7],
    ['calls of another window', { used: ['5/minute'] }, 0],
  ])('names the condition that decides: %s', (_, flags, decidedBy) => {
    const ended = judge(policy, { ...send, body: body('bob@corp.example'), ...flags, json: true })
    expect(jsonOf(ended)).toMatchObject({ allowed: decidedBy === 0, decided_by: decidedBy === 0 ? null : decidedBy })
    expect(ended.code).toBe(decidedBy === 0 ? 0 : 1)
  })

  test('an unsafe request without operation is refused, a safe one is not', () => {
    const given = { resource, at: monday, scope: 'mail.read' }
    expect(judge(policy, { ...given, method: 'DELETE' }).lines.at(-1)).toBe('refused: condition 5 does not hold')
    expect(judge(policy, { ...given, method: 'GET' }).lines.at(-1)).toBe('allowed')
  })

  test('of an answer only what `data` lets through is shown, and none of one that is not JSON', () => {
    const read = { resource, at: monday, scope: 'mail.read' }
    const shown = judge(policy, { ...read, answer: '{"items":[{"id":1,"title":"a"}],"next":null}' })
    expect([shown.lines.at(-1), shown.code]).toEqual(['of the answer goes out: {"items":[{"title":"a"}]}', 0])
    const withheld = judge(policy, { ...read, answer: '"text"' })
    expect([withheld.lines.slice(-2), withheld.code]).toEqual([
      ['refused: condition 6 does not hold', 'none of the answer goes out: it is no JSON that can be shown in part'],
      1,
    ])
  })

  test('a request can stand in a file, whose members the flags override', () => {
    const request = file(
      'request.yaml',
      `at: ${monday}\nresource: ${resource}\nscope: [mail.read]\nused: { hour: 4 }\n`,
    )
    expect(judge(policy, { request }).code).toBe(0)
    expect(judge(policy, { request, scope: 'mail.trash' }).code).toBe(1)
    expect(judge(policy, { request, used: ['5/hour'] }).code).toBe(1)
    expect(() => judge(policy, { request: file('odd.json', { resourse: resource }) })).toThrow(
      /unknown member resourse in .*odd\.json \(did you mean resource\?\)/,
    )
    expect(() => judge(policy, { request: file('wrong.json', { approved: 'yes' }) })).toThrow(
      /"approved" in .*wrong\.json must be true or false/,
    )
  })

  test('a wrong flag is a usage error that says what is right', () => {
    expect(() => judge(policy, {})).toThrow('--resource must be the identifier of the resource')
    expect(() => judge(policy, { ...send, at: 'noon' })).toThrow('--at must be Unix seconds or a date')
    expect(() => judge(policy, { ...send, used: ['5'] })).toThrow('--used must be a number and a window')
    expect(() => judge(policy, { ...send, body: 'none.json' })).toThrow('--body must be JSON or the name of a file')
  })
})

describe('policy compare', () => {
  const wider = file(
    'wider.json',
    JSON.stringify([
      { type: 'resources', any: [resource] },
      { type: 'hours', zone: 'Europe/Paris', days: [1, 2, 3, 4, 5], from: '09:00', to: '20:00' },
    ]),
  )
  const narrower = file(
    'narrower.json',
    JSON.stringify([
      { type: 'resources', any: [resource] },
      { type: 'hours', zone: 'Europe/Paris', days: [1, 2, 3, 4, 5], from: '09:00', to: '18:00' },
      { type: 'approval', resource, of: '*' },
    ]),
  )

  test('the same in other words ends with 0', () => {
    const berlin = file('berlin.json', [
      { type: 'hours', zone: 'Europe/Berlin', days: [5, 4, 3, 2, 1], from: '09:00', to: '18:00' },
      { type: 'approval', resource, of: '*' },
      { type: 'resources', any: [resource, resource] },
      { type: 'resources', any: ['https://*.corp.example'] },
    ])
    const ended = compare(narrower, berlin)
    expect([ended.lines, ended.code]).toEqual([['both allow the same requests'], 0])
  })

  test('each condition that refuses more or less is told with a request', () => {
    const ended = compare(narrower, wider)
    expect([ended.lines, ended.code]).toEqual([
      [
        'becomes possible:',
        `  a request to ${resource} at 2026-01-01T17:00:00Z`,
        `    ${narrower} refuses it by condition 2: Monday to Friday, 09:00 to 18:00 (Europe/Paris time)`,
        `  a request to ${resource} at 2026-01-01T08:00:00Z, for the operation other, that no user has approved`,
        expect.stringMatching(/narrower\.json refuses it by condition 3: /),
        'becomes impossible: nothing',
      ],
      1,
    ])
  })

  test('the requests of --json are requests for policy test', () => {
    const { becomes_possible: possible, becomes_impossible: impossible } = jsonOf(
      compare(policy, wider, { json: true }),
    ) as Record<'becomes_possible' | 'becomes_impossible', Array<{ refused_by: number; request: object }>>
    expect([possible.length, impossible.length]).toEqual([5, 0])
    for (const { refused_by, request } of possible) {
      const written = file('written.json', request)
      expect(jsonOf(judge(policy, { request: written, json: true }))['allowed'], JSON.stringify(request)).toBe(
        // Of a longer answer only the fields that may be seen go out: that is no refusal.
        refused_by === 6,
      )
      expect(judge(wider, { request: written }).code).toBe(0)
    }
  })

  test('a conflict is compared like any list', () => {
    const never = [{ type: 'until', time: 0 }]
    expect(conflicts(parseConditions(never))).toBe(true)
    expect(compare(file('zero.json', never), wider).lines.at(-1)).toBe('becomes impossible: nothing')
    expect(refusedBy(parseConditions(never), requestOf({ resource }, false))?.type).toBe('until')
  })
})
