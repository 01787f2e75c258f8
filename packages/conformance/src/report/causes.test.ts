import { expect, test } from 'vitest'
import type { Refusal } from '../case/refusal.js'
import type { CaseResult, Step } from '../case/verdict.js'
import type { Exchange } from '../wire/message.js'
import { causesOf } from './causes.js'

/** What a server answered; without a status, why it did not. */
interface Answer {
  readonly status?: number
  readonly body?: object
  readonly trouble?: string
  readonly isUnreachable?: true
}

function exchange({ status, body = {}, ...about }: Answer): Exchange {
  const sent = Buffer.from('GET /feed HTTP/1.1\r\n\r\n')
  const response =
    status === undefined
      ? {}
      : {
          response: {
            status,
            headers: [],
            phrase: '',
            trailers: [],
            interim: 0,
            body: Buffer.from(JSON.stringify(body)),
          },
        }
  return {
    title: 'a request',
    sent,
    received: Buffer.from(status === undefined ? '' : 'HTTP/1.1'),
    ...response,
    ...about,
  }
}

const refusal: Refusal = { status: 401, error: 'invalid_signature' }
const control = (answer: Answer): Step => ({
  title: 'as it should be',
  kind: 'control',
  ok: false,
  exchange: exchange(answer),
})
const accepted = (answer: Answer): Step => ({ ...control(answer), title: 'other spaces', kind: 'accepted' })
const refused = (title: string, answer: Answer, wanted: Refusal = refusal): Step => ({
  ...{ title, kind: 'refused', ok: false, refusal: wanted, exchange: exchange(answer) },
})
const look = (title: string): Step => ({ title, kind: 'check', ok: false })

const failed = (id: string, ...steps: Step[]): CaseResult => ({
  ...{ id, group: 'time', clauses: [], title: `the rule of ${id}`, verdict: 'failed', milliseconds: 1, steps },
})

/** The sentence of each cause, and its cases. */
function causes(...results: CaseResult[]): Array<[string, string]> {
  return causesOf(results, results).map(({ sentence, cases }) => [
    sentence,
    cases.map(({ result, more }) => (more === 0 ? result.id : `${result.id}+${more}`)).join(' '),
  ])
}

const replayed: Refusal = { status: 401, error: 'replay_detected', challenge: 'none' }
const passed = { status: 200 }
const wrongSignature = { status: 401, body: { error: 'invalid_signature', reason: 'signature_wrong' } }

test('faults with one expectation and one answer are one cause, each case counts once', () => {
  expect(
    causes(
      failed('TIM-03', refused('created is 61 s ago', passed), refused('created is an hour ago', passed)),
      failed('TIM-06', refused('created is in an hour', { status: 204 })),
      failed('NON-01', refused('the same request again', passed, replayed)),
    ),
  ).toEqual([
    ['It accepts what must be refused: 401 invalid_signature.', 'TIM-03+1 TIM-06'],
    ['It accepts what must be refused: 401 replay_detected.', 'NON-01'],
  ])
})

test('other answers to the same expectation are other causes, the first of the run first', () => {
  expect(
    causes(
      failed('TIM-03', refused('one', wrongSignature, replayed), refused('two', passed)),
      failed('TIM-06', refused('three', { status: 400, body: { error: 'invalid_request' } })),
    ),
  ).toEqual([
    ['It answers 401 invalid_signature signature_wrong where it must answer 401 replay_detected.', 'TIM-03'],
    ['It accepts what must be refused: 401 invalid_signature.', 'TIM-03'],
    ['It answers 400 invalid_request where it must answer 401 invalid_signature.', 'TIM-06'],
  ])
})

test('refused controls come before all that was wrong earlier, and with them what is answered so, too', () => {
  expect(
    causes(
      failed('TIM-03', refused('one', passed)),
      failed('COV-01', control(wrongSignature)),
      failed('COV-02', control(wrongSignature)),
      failed('NON-01', refused('the same request again', wrongSignature, replayed)),
      failed('after:time', accepted(wrongSignature)),
      failed('SIG-10', accepted({ status: 400 })),
    ),
  ).toEqual([
    ['It answers 401 invalid_signature signature_wrong to requests that are right.', 'COV-01 COV-02 NON-01 after:time'],
    ['It accepts what must be refused: 401 invalid_signature.', 'TIM-03'],
    ['It answers 400 to what must be accepted.', 'SIG-10'],
  ])
})

test('a server that takes requests without a signature has one cause, whatever must come', () => {
  const wrong = [
    failed('TIM-03', refused('one', passed)),
    failed('NON-01', refused('two', passed, replayed)),
    failed('after:time', refused('a request without a signature', passed, { status: 401 })),
  ]
  expect(causes(...wrong)).toEqual([
    ['It accepts requests without a signature, and with them what must be refused.', 'TIM-03 NON-01 after:time'],
  ])
  // After one group it has refused such a request.
  const right: CaseResult = { ...failed('after:other'), verdict: 'passed' }
  expect(causesOf([...wrong, right], wrong)).toHaveLength(3)
})

test('a server that does not know the error codes has one cause for each status', () => {
  const html = { status: 403, body: {} }
  const own = { status: 401, body: { error: 'unauthorized', reason: 'at 12:00:01.5 by node 3' } }
  expect(
    causes(
      failed('TIM-03', refused('one', own)),
      failed('NON-01', refused('two', own, replayed)),
      failed('NON-02', refused('three', html, replayed)),
    ),
  ).toEqual([
    [
      'It answers 401 unauthorized where it must refuse as the protocol says, with 401 invalid_signature.',
      'TIM-03 NON-01',
    ],
    [
      'It answers 403 without an error code where it must refuse as the protocol says, with 401 replay_detected.',
      'NON-02',
    ],
  ])
})

test('a refusal that lacks its challenge is a cause of its own', () => {
  const asks: Refusal = { ...refusal, challenge: ['httpsig'] }
  expect(causes(failed('SIG-01', refused('no signature', wrongSignature, asks)))).toEqual([
    ['It refuses as it must, but it has no Agent-Auth.', 'SIG-01'],
  ])
})

test('a server that has gone comes first, with the last request before that', () => {
  const gone = { trouble: 'no connection: connect ECONNREFUSED', isUnreachable: true } as const
  const last: CaseResult = {
    ...failed('COV-02'),
    verdict: 'passed',
    steps: [{ title: 'the last one', kind: 'refused', ok: true, exchange: exchange(wrongSignature) }],
  }
  const results = [
    failed('COV-01', refused('one', passed)),
    last,
    failed('COV-03', control(gone)),
    failed('COV-04', refused('two', gone), accepted(gone)),
  ]
  const [first, second, ...more] = causesOf(
    results,
    results.filter(({ verdict }) => verdict === 'failed'),
  )
  expect(first).toMatchObject({
    kind: 'unreachable',
    sentence: 'It cannot be reached: no connection: connect ECONNREFUSED.',
    before: { id: 'COV-02', title: 'the last one' },
  })
  expect(first?.cases.map(({ result }) => result.id)).toEqual(['COV-03', 'COV-04'])
  expect(second?.sentence).toBe('It accepts what must be refused: 401 invalid_signature.')
  expect(more).toEqual([])
})

test('requests without a response are one cause, whatever was expected of them', () => {
  const none = { trouble: 'the connection ended before a whole response' }
  expect(causes(failed('COV-01', refused('one', none)), failed('COV-02', control(none)))).toEqual([
    ['Requests get no response: the connection ended before a whole response.', 'COV-01 COV-02'],
  ])
})

test('looks with one rule are one cause; after a wrong message they follow from it', () => {
  expect(
    causes(
      failed('CLI-01', look('another key: the agent says that it failed'), look('another key: it stops')),
      failed('CLI-02', look('another user: the agent says that it failed')),
      failed('RST-01', look('the answer has Cache-Control: no-store')),
      failed('RST-02', look('an answer to GET: it has Vary: Origin')),
      failed('TIM-03', refused('one', passed), look('nothing is granted for it')),
    ),
  ).toEqual([
    ['This does not hold: the agent says that it failed.', 'CLI-01 CLI-02'],
    ['This does not hold: the answer has Cache-Control: no-store.', 'RST-01'],
    ['This does not hold: an answer to GET: it has Vary: Origin.', 'RST-02'],
    ['It accepts what must be refused: 401 invalid_signature.', 'TIM-03'],
  ])
})

test('cases that end before they could decide are grouped by why, and come first', () => {
  const undecided = (id: string, reason: string): CaseResult => ({
    ...failed(id),
    reason: `could not decide: ${reason}`,
  })
  const printed = (id: string, call: string): CaseResult =>
    failed(id, {
      title: `${call}: the agent did not make a success of it`,
      kind: 'control',
      ok: false,
      output: 'no such host',
    })
  expect(
    causes(
      failed('TIM-03', refused('one', passed)),
      undecided('MCP-01', 'the tool begins no task'),
      printed('CLI-01', 'a GET'),
      printed('CLI-02', 'a POST'),
      undecided('MCP-02', 'the tool begins no task'),
    ),
  ).toEqual([
    ['What cases begin with does not work: the tool begins no task.', 'MCP-01 MCP-02'],
    ['What cases begin with does not work: the agent did not make a success of it.', 'CLI-01 CLI-02'],
    ['It accepts what must be refused: 401 invalid_signature.', 'TIM-03'],
  ])
})
