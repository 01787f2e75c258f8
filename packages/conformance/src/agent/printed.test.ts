import { expect, test } from 'vitest'
import type { CaseResult, Step } from '../case/verdict.js'
import { readAgentConfiguration } from '../config/agent-configuration.js'
import { failureText } from '../report/cause-text.js'
import { checksJson } from '../report/checks-json.js'
import { outcomeOf } from '../report/outcome.js'
import { judgeAgent } from './judge-agent.js'

// The command of an agent is Node with a line of code.

const participants = { authServer: { port: 0 }, otherAuthServer: { port: 0 } }

async function judged(code: string): Promise<CaseResult> {
  const configuration = readAgentConfiguration({ participants }, [process.execPath, '-e', code])
  const [result] = await judgeAgent({ configuration, selection: { only: ['sig.covered.query'], groups: [] } })
  return result as CaseResult
}

const printedIn = ({ steps }: CaseResult): (string | undefined)[] => steps.flatMap(({ output }) => output ?? [])

/** The steps of a result as `checks.json` has them. */
function written(result: CaseResult): ReadonlyArray<Step & { response?: { text: string }; request?: object }> {
  const suite = { version: '0.0.0', edition: 'none' }
  const about = { suite, role: 'agent', subject: 'node', seed: 1, levels: [], milliseconds: 0 } as const
  return JSON.parse(checksJson(outcomeOf({ ...about, results: [result], expectedFailures: [] }))).checks[0].steps
}

test('what the command of an agent prints stands in the result of the case that ran it, and where its control fails in the report', async () => {
  const failed = await judged("console.log('to standard output'); console.error('to standard error'); process.exit(1)")
  expect(failed.verdict).toBe('failed')
  expect(printedIn(failed).join('')).toContain('to standard output')
  expect(printedIn(failed).join('')).toContain('to standard error')
  expect(failureText(failed)).toContain('| to standard error')
  const succeeded = await judged("console.log('hello'); fetch(process.argv[1], { headers: { 'signature-key': 'x' } })")
  expect(printedIn(succeeded)).toEqual(['hello\n'])
})

test('of a long output the beginning and the end are kept', async () => {
  const [printed = ''] = printedIn(await judged("console.log('first', 'x'.repeat(100000), 'last'); process.exit(1)"))
  expect(printed.length).toBeLessThan(4100)
  expect(printed).toMatch(/^first x+\n… \d+ characters more …\nx+ last\n$/)
  const [whole = ''] = printedIn(await judged("console.log('first', 'x'.repeat(3000), 'last'); process.exit(1)"))
  expect(whole).toMatch(/^first x{3000} last\n$/)
})

test('a request of the agent stands in checks.json with what the suite answered', async () => {
  const steps = written(await judged("fetch(process.argv[1], { headers: { 'signature-key': 'x' } })"))
  const [shown, ...more] = steps.filter(({ request }) => request !== undefined)
  expect(more).toEqual([])
  expect(shown?.response?.text).toMatch(/^HTTP\/1\.1 200 OK\r\n(?:.+\r\n)*\r\n\{"done":true\}$/)
})

test('a request that got no answer has none in checks.json, and an answer without a body is one', () => {
  const sent = Buffer.from('GET / HTTP/1.1\r\n\r\n')
  const step = (received: string, trouble?: string): Step => ({
    title: 'a request',
    kind: 'sent',
    ok: true,
    exchange: {
      title: 'a request',
      sent,
      received: Buffer.from(received),
      ...(trouble === undefined ? {} : { trouble }),
    },
  })
  const steps = [step('', 'no whole response within 10 ms'), step('HTTP/1.1 204 No Content\r\n\r\n')]
  const about = { id: 'COV-02', group: 'covered', clauses: [], title: 'a case', milliseconds: 0 }
  const [none, empty] = written({ ...about, verdict: 'passed', steps })
  expect(none).toMatchObject({ trouble: 'no whole response within 10 ms' })
  expect(none).not.toHaveProperty('response')
  expect(empty).toMatchObject({ response: { text: 'HTTP/1.1 204 No Content\r\n\r\n' } })
})
