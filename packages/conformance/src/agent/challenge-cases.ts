import type { Case } from '../case/case.js'
import type { Trial } from '../case/trial.js'
import type { Reply } from '../participants/origin.js'
import { receivedSignature, verifies } from '../participants/received.js'
import { headerLines } from '../wire/message.js'
import { type AgentStage, call, challenged, commonControl, done, plainControl } from './stage.js'

const group = 'challenges'

/** Challenges that an agent may be unable to follow, or need not. */
const strange = ['httpsig; identity', `httpsig; x="${'x'.repeat(30_000)}"`]

/** Challenges that break the form. */
const unreadable: ReadonlyArray<string | readonly string[]> = [
  'bearer; identity=?1',
  'httpsig; identity=?1;;',
  '"httpsig"; identity=?1',
  'httpsig; identity=?1, httpsig; identity=?1',
  'httpsig; auth-token',
  'httpsig; identity="1"',
  'httpsig; identity=?1; algs=Ed25519',
  'httpsig; identity=?1; algs=""',
  ['httpsig; identity=?1', 'httpsig; identity=?1'],
]

/** What an agent does about challenges. */
export const challengeCases: readonly Case<AgentStage>[] = [
  {
    id: 'CLI-05',
    words: 'retries once per new challenge',
    group,
    clauses: ['agent.rounds'],
    async run(trial, stage) {
      await plainControl(trial, stage)
      const resources = [
        ['a resource that always asks for a signature', [challenged('httpsig')]],
        ['a resource that always asks for an identity', [challenged('httpsig; identity=?1')]],
        ['a resource whose challenges alternate', [challenged('httpsig'), challenged('httpsig; identity=?1')]],
      ] as const
      const parts = resources.map(([title, replies]) => async (part: Trial) => {
        const answer = (_: unknown, round: number): Reply => replies[round % replies.length] ?? done()
        const { visits, succeeded } = await call(part, stage, { title, answer })
        part.holds(`${title}: the agent gives up`, visits.length <= 5 && !succeeded, `${visits.length} requests came`)
      })
      await trial.all(parts)
    },
  },
  {
    id: 'agent.final',
    words: 'take a refusal without `Agent-Auth` as final',
    group,
    async run(trial, stage) {
      await plainControl(trial, stage)
      const parts = [401, 403, 429].map(code => async (part: Trial) => {
        const title = `${code} without Agent-Auth`
        const answer = (): Reply => ({
          status: code,
          headers: { 'content-type': 'application/json' },
          body: '{"error":"policy_denied"}',
        })
        const { visits, succeeded } = await call(part, stage, { title, answer })
        part.holds(`${title} is final`, visits.length === 1 && !succeeded, `${visits.length} requests came`)
      })
      await trial.all(parts)
    },
  },
  {
    id: 'sig.key.jwt-type',
    words: 'An agent that gets `AAuth-Requirement` instead of `Agent-Auth` must stop and say the same',
    group,
    async run(trial, stage) {
      await plainControl(trial, stage)
      const title = 'a resource of a later edition, which sends AAuth-Requirement'
      const answer = (): Reply => ({
        status: 401,
        headers: { 'content-type': 'application/json', 'aauth-requirement': 'requirement=agent-token' },
        body: '{"error":"invalid_signature"}',
      })
      const { visits, succeeded, output } = await call(trial, stage, { title, answer })
      trial.holds(`${title}: the agent stops`, visits.length === 1 && !succeeded, `${visits.length} requests came`)
      trial.holds(`${title}: the agent says so`, /edition|AAuth-Requirement/i.test(output))
    },
  },
  {
    id: 'CLI-17',
    words: 'once a call and at the same level',
    group,
    async run(trial, stage) {
      await plainControl(trial, stage)
      const parts = ['-1', 'Thu, 01 Jan 1970 00:00:00 GMT'].map(pause => async (part: Trial) => {
        const title = `503 that was not processed, with Retry-After: ${pause}`
        const answer = (): Reply =>
          challenged('httpsig', { status: 503, error: 'temporarily_unavailable', headers: { 'retry-after': pause } })
        const { visits, succeeded, wasEnded } = await call(part, stage, { title, answer })
        part.holds(`${title}: no loop, no endless wait`, visits.length <= 2 && !succeeded && !wasEnded)
      })
      await trial.all(parts)
    },
  },
  {
    id: 'CLI-15',
    words: 'must not fall back to it by itself',
    group,
    clauses: ['challenge.no-downgrade'],
    async run(trial, stage) {
      await plainControl(trial, stage)
      const headers = { 'www-authenticate': 'Bearer realm="x"' }
      const answer = (): Reply => challenged('httpsig; identity=?1', { headers })
      const { visits } = await call(trial, stage, { title: 'a resource that offers Bearer as well', answer })
      const bearer = visits.filter(visit => headerLines(visit, 'authorization').length > 0)
      trial.holds('no request has Authorization', bearer.length === 0, `${bearer.length} have`)
    },
  },
  {
    id: 'CLI-18',
    words: [
      'is a Structured Field Item',
      'the others of this table are Strings, and none is empty',
      'must act on no `Agent-Auth` that breaks the form above',
    ],
    group,
    clauses: ['challenge.syntax', 'agent.final'],
    async run(trial, stage) {
      await plainControl(trial, stage)
      const always = strange.map(text => async (part: Trial) => {
        const title = `Agent-Auth is always ${text.slice(0, 30)}`
        const { visits, succeeded } = await call(part, stage, { title, answer: () => challenged(text) })
        part.holds(`${title}: the agent gives up`, visits.length <= 3 && !succeeded, `${visits.length} requests came`)
      })
      const once = unreadable.map(text => async (part: Trial) => {
        const title = `Agent-Auth is ${typeof text === 'string' ? text : `on two lines: ${text.join(' and ')}`}`
        // Whatever the agent sent after that would be right.
        const answer = (_: unknown, round: number): Reply => (round === 0 ? challenged(text) : done())
        const { visits, succeeded } = await call(part, stage, { title, answer })
        part.holds(`${title}: it is final`, visits.length === 1 && !succeeded, `${visits.length} requests came`)
      })
      await trial.all([...always, ...once])
    },
  },
  {
    id: 'sig.covered.agent',
    group,
    clauses: ['sig.covered.demanded'],
    async run(trial, stage) {
      await plainControl(trial, stage)
      const names = ['@method', '@authority', '@path', 'signature-key', '@target-uri']
      const covers = (components: readonly string[] = []): boolean => components.includes('@target-uri')
      const refusal: Reply = {
        ...challenged('httpsig'),
        body: JSON.stringify({
          error: 'invalid_signature',
          reason: 'component_not_covered',
          error_description: 'a test',
          required_components: names,
        }),
      }
      let authority = ''
      const { visits, succeeded } = await call(trial, stage, {
        title: 'a resource that wants @target-uri covered, too',
        metadata: { additional_signature_components: ['@target-uri'] },
        answer(visit, _, place) {
          authority = place.authority
          return covers(receivedSignature(visit, authority)?.components) ? done() : refusal
        },
      })
      const last = visits.map(visit => receivedSignature(visit, authority)).at(-1)
      trial.holds('@target-uri is covered in the end', covers(last?.components) && succeeded)
      if (last?.scheme === 'hwk') trial.holds('the signature verifies', verifies(last, last.keyParameters))
    },
  },
  {
    id: 'CLI-14',
    group,
    needs: ['unidentified'],
    async run(trial, stage) {
      const title = 'a GET that need not be identified'
      await commonControl(trial, stage, {
        title,
        make: one => call(one, stage, { title, by: 'unidentified', answer: done }),
      })
      const { visits, succeeded } = await call(trial, stage, {
        title: 'a resource that asks for an identity',
        by: 'unidentified',
        answer: () => challenged('httpsig; identity=?1'),
      })
      const told = visits.filter(visit => !headerLines(visit, 'signature-key').every(line => /=hwk;/.test(line)))
      trial.holds('no request says who the agent is', told.length === 0, `${told.length} do`)
      trial.holds('the agent says that it failed', !succeeded)
    },
  },
]
