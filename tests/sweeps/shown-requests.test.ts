import { isDisplay, parseOperation } from '@countersign/protocol'
import { verifies } from '@countersign/requirements'
import { english, german } from '@countersign/testing/auth/look'
import { describe, expect, test } from 'vitest'
import { showInbox } from '../../packages/fetch/src/interact.js'
import { questionText } from '../../packages/mcp/src/elicitation/eliciting-client.js'
import { pagesOfCalls } from '../../packages/user-desk/src/pages/approval-page.test.fixture.js'
import { type Asked, descriptions, doors, filesWith, newWorld } from './shown-requests.fixture.js'

// What a user is shown of a request is all that it can do, or it is refused: at each door that turns requests into what users are shown,
// under each trick, and on each surface that shows it. A new door and a new surface fail here until they stand in the tables.

const lunch = '{"subject":"Lunch","to":"bob@example.org"}'
const shown = ['Send ', 'Lunch', ' to ', 'bob@example.org', '']
const plus = (member: string): Asked => ({ body: lunch.replace('}', `,${member}}`) })
const about = (subject: unknown): Asked => ({ body: JSON.stringify({ subject, to: 'bob@example.org' }) })

/** Of each trick, what is sent; `http` and `mcp` are sent there only. */
const tricks: Readonly<Record<string, Asked | { readonly http: Asked } | { readonly mcp: Asked }>> = {
  'one more member': plus('"bcc":"eve"'),
  'an empty member': plus('"cc":[]'),
  'a null': plus('"cc":null'),
  'a member deep within': plus('"more":{"a":[{"to":"eve"}]}'),
  'a member in another case': plus('"TO":"eve"'),
  'a member with an invisible letter': plus('"to\u200b":"eve"'),
  'a member in fullwidth letters': plus('"\uff54o":"eve"'),
  'a member with a space': plus('"to ":"eve"'),
  'a member written with an escape': plus('"\\u0054o":"eve"'),
  'a member that parsers drop': plus('"__proto__":{"to":"eve"}'),
  'a parameter of the query': { body: lunch, query: '?to=eve' },
  'a parameter that names a method': { body: lunch, query: '?_method=DELETE' },
  'a list parameter': { body: lunch, query: '?to[]=eve' },
  'an object where a text is shown': about({ to: 'eve' }),
  'a list where a text is shown': about(['Lunch', 'eve']),
  'a missing member': { body: '{"to":"bob@example.org"}' },
  'a number with more digits than are kept': { body: lunch.replace('"Lunch"', '4.99999999999999999999') },
  'a number beyond 2^53': { body: lunch.replace('"Lunch"', '9007199254740993') },
  'a text that is too long': about('x'.repeat(600)),
  'a text that turns the other': about('a\u202eb'),
  'a letter without ink': about('a\u3164'),
  'a symbol without ink': about('\u2800'),
  'a variation selector': about('5\ufe0f000'),
  'a tag character': about('a\u{e0041}'),
  'a pile of marks': about(`a${'\u0336'.repeat(40)}`),
  'a mark over the words': about('\u0336'),
  'a line end': about('a\nb'),
  'a form': { http: { body: 'subject=Lunch&to=eve', contentType: 'application/x-www-form-urlencoded' } },
  'another type': { http: { body: lunch, contentType: 'text/plain' } },
  'another charset': { http: { body: lunch, contentType: 'application/json;charset=utf-7' } },
  'a content coding': { http: { body: lunch, headers: [['content-encoding', 'identity']] } },
  'a byte order mark': { http: { body: `\ufeff${lunch}` } },
  'a second value': { http: { body: `${lunch} {}` } },
  'a member beside the arguments': { mcp: { body: lunch, params: ',"to":"eve"' } },
  'metadata of its own': { mcp: { body: lunch, params: ',"_meta":{"acme/to":"eve"}' } },
}

/** What a user may be shown, and is. */
const shownWhole: Readonly<Record<string, readonly [asked: Asked, display: readonly string[]]>> = {
  'a plain request': [{ body: lunch }, shown],
  'white space': [{ body: ` ${lunch.replace(':', ' : ')}\n` }, shown],
  'a number': [about(5), ['Send ', '5', ' to ', 'bob@example.org', '']],
  'other scripts': [
    about('Tiếng Việt \u2764\ufe0f שִּׁ֑֔י'),
    ['Send ', 'Tiếng Việt \u2764\ufe0f שִּׁ֑֔י', ' to ', 'bob@example.org', ''],
  ],
}

describe(
  verifies(
    'APR-39',
    'APR-38',
    'approval.shown',
    'mcp.params-judged',
    'a user sees all that a request can do, or it is refused:',
  ),
  () => {
    for (const [name, door] of Object.entries(doors))
      for (const [by, description] of Object.entries(descriptions))
        test(`${name}, described by a ${by}`, async () => {
          const world = await newWorld()
          const ask = door.open(world, description)
          for (const [what, [asked, display]] of Object.entries(shownWhole))
            expect(await ask(asked), what).toEqual({ status: 401, reason: 'approval_needed', display })
          for (const [trick, given] of Object.entries(tricks)) {
            if ('http' in given ? door.isMcp : 'mcp' in given && !door.isMcp) continue
            const asked = 'http' in given ? given.http : 'mcp' in given ? given.mcp : given
            const { status, reason, display } = await ask(asked)
            expect([status, display], `${trick}: ${reason}`).toEqual([expect.toBeOneOf([400, 403, 415]), undefined])
            expect(reason, trick).toMatch(/^(?:approval_unshowable|rpc_malformed|json_malformed|method_overridden)$/)
          }
          expect((await ask({ body: lunch })).display).toEqual(shown)
        })
  },
)

/** A display of 64 strings and 500 characters, with what could pass for a part of a page or of a line. */
const hostile = [
  '<b>Pay</b> ',
  '"</bdi></span> to bob',
  ' to ',
  '&amp; {to} %s \\u202e \u05d0\u05d1',
  ' ',
  ' ',
  '',
  '',
  '',
]
const longest = [
  ...hostile,
  ...Array.from({ length: 54 }, (_, at) => `${at}`),
  'x'.repeat(500 - [...hostile.join('')].length - 98),
]

const decoded = (html: string): string =>
  html
    .replaceAll(/<[^>]*>/g, '\u0000')
    .replaceAll('&lt;', '<')
    .replaceAll('&gt;', '>')
    .replaceAll('&quot;', '"')
    .replaceAll('&#39;', "'")
    .replaceAll('&amp;', '&')

/** Where users are shown a request, with what they read there. */
const surfaces: Readonly<Record<string, (display: readonly string[]) => string>> = {
  'approval page': display => decoded(pagesOfCalls['approval page'](display, english)),
  'approval page in German': display => decoded(pagesOfCalls['approval page'](display, german)),
  'history of the account': display => decoded(pagesOfCalls['history of the account'](display, english)),
  terminal: display =>
    terminalText(display).replaceAll(/"((?:[^"\\]|\\.)*)"/g, (_, text) => `\u0000${JSON.parse(`"${text}"`)}\u0000`),
}

function terminalText(display: readonly string[]): string {
  let text = ''
  const terminal = { write: (said: string) => (text += said) }
  const question = { issuer: 'https://auth.example', resource: 'https://mail.example', scope: 'send', expires_in: 60 }
  showInbox({ ...question, operation: { name: 'send', display } } as never, {}, terminal)
  return text
}

describe(verifies('APR-15', 'approval.display', 'each surface shows a display whole:'), () => {
  test.each(Object.keys(surfaces))('%s', surface => {
    for (const display of [hostile, longest, shown]) {
      expect(isDisplay(display)).toBe(true)
      const text = surfaces[surface]?.(display) ?? ''
      let at = 0
      for (const [index, part] of display.entries()) {
        // A value that is empty is shown by words of the page.
        if (part === '') continue
        const found = text.indexOf(part, at)
        expect(found, `${surface}: ${index} ${JSON.stringify(part)}`).toBeGreaterThanOrEqual(at)
        at = found + part.length
      }
    }
  })

  test('the list of open questions and an MCP client show nothing of it, and lead to the page', () => {
    const html = pagesOfCalls['open questions of the account'](hostile, english)
    expect(html).not.toContain('to bob')
    expect(html).toContain('/account/approval?question=question-1')
    const [issuer, resource] = ['https://auth.example', 'https://mail.example']
    expect(questionText({ issuer, resource, operation: { name: 'send', display: hostile } })).toBe(
      'auth.example asks you whether to approve one call to mail.example',
    )
  })

  test('what a surface would not show whole never reaches it', () => {
    const digest = 'p9nkbV1Ahm4dP8YV4CzXLfWqfYXWSZTVHcG4qdZ4Cao'
    expect(parseOperation({ name: 'send', digest, display: longest })).toBeDefined()
    for (const part of [
      '\u3164',
      '\u2800',
      'a\u200b',
      '\u0336',
      `a${'\u0301'.repeat(7)}`,
      'a\nb',
      '\u202e',
      'x'.repeat(501),
    ])
      expect(parseOperation({ name: 'send', digest, display: ['Pay ', part] }), JSON.stringify(part)).toBe(undefined)
  })
})

const isOfPackage = (file: string): boolean => file.startsWith('packages/')

test('each place that judges requests is a door of the table', () => {
  const known: Readonly<Record<string, keyof typeof doors>> = {
    'packages/gateway/src/mcp-route.ts': 'MCP behind the gateway',
    'packages/gateway/src/routed.ts': 'gateway',
    'packages/mcp/src/answer-request.ts': 'guardMcp',
    // Refuses only: a request that would pass is an error.
    'packages/mcp/src/refuse-unread.ts': 'guardMcp',
    'packages/mcp-sdk1/src/answer-request.ts': 'guardMcp of sdk1',
    // The adapters of a resource hand their message to `authorize`; `resource/src/suite` runs the same tricks behind each.
    'packages/resource/src/adapter/fetch.ts': 'resource',
    'packages/resource/src/adapter/guard-node.ts': 'resource',
    'packages/resource/src/adapter/hono.ts': 'resource',
  }
  expect(new Set(filesWith(/resource\.authorize\(/).filter(isOfPackage))).toEqual(new Set(Object.keys(known)))
  for (const door of Object.values(known)) expect(doors).toHaveProperty([door])
  // What users are shown is made in one place, which refuses what it leaves out.
  expect(filesWith(/\bshownRequest\(/).filter(isOfPackage)).toEqual([
    'packages/resource/src/approval/shown-request.ts',
    'packages/resource/src/guard/approval.ts',
  ])
  expect(filesWith(/\broute\.describe\b|\bdescribe\?\.\(/)).toEqual(['packages/resource/src/guard/approval.ts'])
})

test('each file that touches a display is known, and those that show one are surfaces of the table', () => {
  const carrying = 'is not shown here'
  const known: Readonly<Record<string, string>> = {
    'apps/playground/src/analysis/tokens.ts': 'values are quoted, and the page sets them as text',
    'apps/playground/src/provider-page.ts': 'a word of CSS',
    'apps/playground/src/rooms.ts': carrying,
    'apps/playground/src/story-user.ts': 'reads the approval page',
    'apps/playground/src/visitor/user-call.ts': 'values are quoted, and the page sets them as text',
    'packages/agent/src/interact/asked-operation.ts': carrying,
    'packages/agent/src/interact/check-operation.ts': carrying,
    'packages/user-desk/src/approval/account-approvals.ts': 'a copy of their data, whole and as JSON',
    'packages/auth-server/src/approval/answer.ts': carrying,
    'packages/user-desk/src/approval/approval-pages.ts': 'approval page',
    'packages/auth-server/src/tables/approval-tables.ts': carrying,
    'packages/auth-server/src/approval/ask.ts': carrying,
    'packages/auth-server/src/approval/history.ts': carrying,
    'packages/auth-server/src/request/claim-row.ts': carrying,
    'packages/user-desk/src/pages/approval-page.tsx': 'approval page',
    'packages/user-desk/src/pages/approval-view.ts': carrying,
    'packages/user-desk/src/pages/shown-call.tsx': 'history of the account',
    'packages/user-desk/src/pages/stylesheet.ts': 'a word of CSS',
    'packages/auth-server/src/revocation/end-approvals.ts': carrying,
    'packages/auth-server/src/token/decide-call.ts': carrying,
    'packages/cli/src/commands/inspect/token.ts': 'terminal',
    'packages/fetch/src/interact.ts': 'terminal',
    'packages/fetch/src/report.ts': 'terminal',
    'packages/protocol/src/reason/token-reasons.ts': carrying,
    'packages/protocol/src/token/operation-digest.ts': carrying,
    'packages/protocol/src/token/operation.ts': carrying,
    'packages/resource/src/approval/display.ts': carrying,
    'packages/resource/src/approval/template.ts': carrying,
    'packages/resource/src/guard/approval.ts': carrying,
    'packages/resource/src/index.ts': carrying,
  }
  expect(new Set(filesWith(/\bdisplay\b/))).toEqual(new Set(Object.keys(known)))
})
