import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { root } from './processes.fixture.js'

// Files and functions that a reader can hold in mind. The rule is 300 and 40 lines; a little over is no failure.

const longestFile = 320
const longestFunction = 60
const mostParameters = 3

/** Functions that hold one state and all that is done with it. */
const excepted: readonly string[] = [
  // As parts with names it is 40 bytes more in every page, of which there are none to spare.
  'packages/agent/src/identity/delegate.ts openDelegate',
  'packages/httpsig/src/replay/replay-set.ts createSet',
  'packages/mcp-sdk1/src/session/sessions.ts createSessions',
  'packages/protocol/src/internal/shared-map.ts sharedMap',
]

/** Functions with more than three positional parameters, and why they have them. */
const manyParameters: Readonly<Record<string, string>> = {
  'packages/agent/src/error.ts constructor':
    'as the constructor of Error: code and message first, then what few errors have',
  'packages/agent/src/explanation.ts note': 'the fourth is optional, and a page has no bytes for an object',
  'packages/auth-server/src/exchange/upstream-token.ts key': 'the method of Directory',
  'packages/discovery/src/directory.ts key': 'public; the fourth is optional, and a key set is asked for each token',
  'packages/discovery/src/discovery.ts key': 'the method of Directory',
  'packages/httpsig/src/option/check-options.ts checkOptions':
    'called by every function with options; the fourth is optional',
  'packages/httpsig/src/replay/compact-table.ts find': 'runs for every request, which an object would slow down',
  'packages/httpsig/src/replay/compact-table.ts put': 'runs for every request, which an object would slow down',
  'packages/protocol/src/token/jws.ts jwsSignature': 'runs for every token, which an object would slow down',
  'packages/resource/src/adapter/express-node.ts setbacks': 'Express tells error middleware by its four parameters',
  'packages/resource/src/adapter/fetch.ts guard': 'public; the fourth is optional',
  'packages/resource/src/adapter/node.ts guard': 'public; the fourth is optional',
  'packages/resource/src/downstream/downstream.ts oauth': 'ends as fetch does: input and init',
  'packages/resource/src/guard/called.ts oauth': 'ends as fetch does: input and init',
}

const sources = execFileSync('git', ['ls-files', 'packages', 'apps'], { cwd: root, encoding: 'utf8' })
  .split('\n')
  .filter(file => /\/src\/.*\.tsx?$/.test(file) && !/\.test\.|fixture/.test(file))
  .map(file => ({ file, lines: readFileSync(join(root, file), 'utf8').split('\n') }))

test('no source file is over 320 lines', () => {
  expect(sources.length).toBeGreaterThan(300)
  expect(sources.filter(({ lines }) => lines.length > longestFile).map(({ file }) => file)).toEqual([])
})

test('no function is over 60 lines, blank lines and comments aside, but those that are named here', () => {
  const long = sources.flatMap(({ file, lines }) =>
    lines.flatMap((_, at) => {
      const name = openedBy(lines, at)
      return name !== undefined && lengthFrom(lines, at) > longestFunction ? [`${file} ${name}`] : []
    }),
  )
  expect([...new Set(long)]).toEqual(excepted)
})

test('no function has over three positional parameters, but those that are named here', () => {
  // The declarations of a library's functions are not ours to change.
  const ours = sources.filter(({ file }) => !file.endsWith('.d.ts'))
  const found = ours.flatMap(({ file, lines }) =>
    functionsIn(lines.join('\n'))
      .filter(({ parameters }) => parameters > mostParameters)
      .map(({ name }) => `${file} ${name}`),
  )
  expect([...new Set(found)]).toEqual(Object.keys(manyParameters))
})

/** Functions with a name: declarations, methods, members, and arrow functions that are given to a name. */
function functionsIn(text: string): { name: string; parameters: number }[] {
  const opening =
    /(?:\bfunction\*? (\w+)(?:<[^(]*?>)?|\bconst (\w+)[^=;{}()]*= (?:async )?(?:<[^(]*?>)?|\b(\w+)\??: (?:async )?|^ +(?:static |async |\*|get |set )*(#?\w+)\??(?:<[^(;]*?>)?)\(/gm
  return [...text.matchAll(opening)].flatMap(match => {
    const { parameters, end } = parametersFrom(text, match.index + match[0].length)
    const [, declared, assigned, member, method] = match
    const name = declared ?? assigned ?? member ?? method ?? ''
    if (/^(?:if|for|while|switch|catch|return|await)$/.test(name)) return []
    const after = text.slice(end, end + 200)
    const isFunction = declared !== undefined || (method === undefined ? /^(?:: [^=]*)? =>/ : /^(?:: | \{)/).test(after)
    return isFunction ? [{ name, parameters }] : []
  })
}

/** Counts the parameters after an opening parenthesis by their commas, and says where the closing one ends. */
function parametersFrom(text: string, start: number): { parameters: number; end: number } {
  let depth = 0
  let parameters = 0
  let isBetween = true
  for (let at = start; at < text.length; at++) {
    const char = text[at] ?? ''
    const isArrow = char === '>' && text[at - 1] === '='
    if ('([{<'.includes(char)) depth++
    else if (')]}>'.includes(char) && !isArrow && --depth < 0) return { parameters, end: at + 1 }
    if (depth === 0 && char === ',') isBetween = true
    else if (isBetween && char.trim() !== '') {
      isBetween = false
      parameters++
    }
  }
  return { parameters, end: text.length }
}

/** The name of the function whose body begins at the end of a line. */
function openedBy(lines: readonly string[], at: number): string | undefined {
  const line = lines[at] ?? ''
  if (!/(?:=>|\)(?:: [^=]*)?) \{$/.test(line)) return undefined
  if (/^\s*(?:\} )?(?:if|else|for|while|switch|catch|try|do)\b/.test(line)) return undefined
  // The name stands above, where the parameters have lines of their own.
  const indent = indentOf(line)
  for (let above = at; above >= 0; above--) {
    const text = lines[above] ?? ''
    if (indentOf(text) !== indent || /^\s*[)}\]]/.test(text)) continue
    return /(?:function|const|let|class)\*? (\w+)/.exec(text)?.[1] ?? /(#?\w+)\(/.exec(text)?.[1] ?? text.trim()
  }
  return line.trim()
}

/** Lines from the one that opens a block to the one that closes it. The formatter puts both at one indentation. */
function lengthFrom(lines: readonly string[], at: number): number {
  const indent = indentOf(lines[at] ?? '')
  const end = lines.findIndex((line, below) => below > at && line.trim() !== '' && indentOf(line) <= indent)
  return lines.slice(at, end + 1).filter(line => !/^\s*(?:$|\/\/|\/?\*)/.test(line)).length
}

function indentOf(line: string): number {
  return line.length - line.trimStart().length
}
