import { expect, test } from 'vitest'
import type { CaseResult } from '../case/verdict.js'
import { causesHtml } from './cause-html.js'
import { causesText, failureText } from './cause-text.js'
import { causesOf } from './causes.js'

const failed: CaseResult = {
  id: 'SIG-04',
  group: 'signature',
  clauses: ['sig.headers.label', 'sig.headers.all'],
  title: 'Labels that differ between the three headers are refused.',
  verdict: 'failed',
  milliseconds: 1,
  steps: [{ title: 'Signature has another label', kind: 'check', ok: false }],
}
const quoting = { ...failed, words: ['Where that label is missing', 'it must refuse the request'] }
const quoted = 'the protocol says (sig.headers.label): "Where that label is missing", "it must refuse the request"'

/** Lines that a terminal breaks, in one. */
const inOneLine = (lines: readonly string[]): string => lines.join(' ').replace(/\s+/g, ' ')

test('a report quotes the sentences that a failed case stands on', () => {
  expect(inOneLine(causesText(causesOf([quoting], [quoting])))).toContain(quoted)
  expect(failureText(quoting)).toContain(`\n${quoted}\n`)
  expect(causesHtml(causesOf([quoting], [quoting]))).toContain(quoted.replaceAll('"', '&quot;'))
})

test('a case whose clause is one sentence quotes nothing', () => {
  expect(inOneLine(causesText(causesOf([failed], [failed])))).not.toContain('the protocol says')
  expect(failureText(failed)).not.toContain('the protocol says')
  expect(causesHtml(causesOf([failed], [failed]))).not.toContain('the protocol says')
})
