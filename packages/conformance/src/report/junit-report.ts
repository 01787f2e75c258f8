import type { CaseResult } from '../case/verdict.js'
import { failureText } from './cause-text.js'
import type { Outcome } from './outcome.js'

/** JUnit XML: a test suite for each group, a test case for each case. What was expected to fail and failed is skipped. */
export function junitReport(outcome: Outcome): string {
  const { role, subject, results, expected, stale } = outcome
  const groups = [...new Set(results.map(({ group }) => group))]
  const suites = groups.map(group =>
    suiteXml(
      `${role} ${group}`,
      results.filter(one => one.group === group).map(one => caseXml(one, expected)),
    ),
  )
  const staleXml = stale.map(id =>
    testcase(
      { name: id, group: 'expected failures', milliseconds: 0 },
      `<failure message="${escaped('it was expected to fail, and did not')}"/>`,
    ),
  )
  const all = staleXml.length === 0 ? suites : [...suites, suiteXml('expected failures', staleXml)]
  return `<?xml version="1.0" encoding="UTF-8"?>\n<testsuites name="${escaped(`conformance of ${subject}`)}">\n${all.join('')}</testsuites>\n`
}

function suiteXml(name: string, cases: readonly string[]): string {
  const count = (tag: string): number => cases.filter(one => one.includes(`<${tag}`)).length
  return `  <testsuite name="${escaped(name)}" tests="${cases.length}" failures="${count('failure')}" skipped="${count('skipped')}">\n${cases.join('')}  </testsuite>\n`
}

function caseXml(result: CaseResult, expected: readonly string[]): string {
  const { id, title, group, verdict, reason = '', milliseconds } = result
  const inside = (): string => {
    if (verdict === 'passed') return ''
    if (verdict === 'warning') return `<system-out>${escaped(`warning: ${reason}`)}</system-out>`
    if (verdict !== 'failed') return `<skipped message="${escaped(`${verdict}: ${reason}`)}"/>`
    if (expected.includes(id)) return `<skipped message="${escaped(`expected to fail: ${reason}`)}"/>`
    return `<failure message="${escaped(reason)}">${escaped(failureText(result))}</failure>`
  }
  return testcase({ name: `${id} ${title}`, group, milliseconds }, inside())
}

function testcase(about: { name: string; group: string; milliseconds: number }, inside: string): string {
  const { name, group, milliseconds } = about
  const time = (milliseconds / 1000).toFixed(3)
  const open = `    <testcase name="${escaped(name)}" classname="${escaped(group)}" time="${time}"`
  return inside === '' ? `${open}/>\n` : `${open}>${inside}</testcase>\n`
}

/** XML has no way to write most control characters, so they are replaced. */
function escaped(text: string): string {
  return text
    .replace(/[^\t\n\x20-\x7e\u00a0-\ud7ff]/g, '?')
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;')
}
