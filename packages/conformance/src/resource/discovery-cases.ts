import type { Case } from '../case/case.js'
import type { Refusal } from '../case/refusal.js'
import { type Trial, Undecided } from '../case/trial.js'
import { type Participant, publishedKey } from '../participants/participant.js'
import { signDraft } from '../signing/draft.js'
import { makeKey, type TestKey } from '../signing/key.js'
import { headerLines, type WireRequest } from '../wire/message.js'
import { byPublishedKey, draftFor, publishedKeyMember, type ResourceStage, routeOf, type Signer } from './stage.js'

const group = 'discovery'
/** Only in development mode does a resource fetch documents of the suite's own origins. */
export const needs: readonly string[] = ['identified', 'loopback']
/** Where the metadata of an agent are. */
export const metadataPath = '/.well-known/aauth-agent'

/** A request of an agent that nobody has met before. */
export function call(stage: ResourceStage, agent: Participant, signer: Signer = byPublishedKey(agent)): WireRequest {
  return signDraft(draftFor(stage, routeOf(stage, 'identified'), signer))
}

const keysOf = (agent: Participant): object => publishedKey(agent.kid, agent.key)

/** DSC: what is fetched of an agent's documents, and when. */
export const discoveryCases: readonly Case<ResourceStage>[] = [
  {
    id: 'DSC-20',
    group,
    needs,
    clauses: ['DSC-39'],
    async run(trial, stage) {
      if (!stage.slow) throw new Undecided('skipped', 'it waits for 31 s: --slow runs it')
      const [agent, replaced] = [await stage.open(), await stage.open()]
      await trial.control('an agent with one key', () => call(stage, agent))
      await trial.control('another agent with one key', () => call(stage, replaced))
      const [key, other] = [makeKey(), makeKey()]
      agent.origin.publish('/jwks.json', { keys: [keysOf(agent), publishedKey('k2', key)] })
      replaced.origin.publish('/jwks.json', { keys: [publishedKey(replaced.kid, other)] })
      // A receiver need not look again within 30 s. @see protocol §10
      await new Promise(resolve => setTimeout(resolve, 31_000))
      await trial.accepted('it signs with a key that it published 31 s ago', () =>
        call(stage, agent, named(agent, 'k2', key)),
      )
      await trial.accepted('the other agent has replaced the key under its kid 31 s ago', () =>
        call(stage, replaced, named(replaced, replaced.kid, other)),
      )
    },
  },
  {
    id: 'DSC-21',
    group,
    needs,
    async run(trial, stage) {
      const agent = await stage.open()
      await trial.control('an agent with one key', () => call(stage, agent))
      const before = agent.origin.visits.length
      const refusal: Refusal = { status: 401, error: 'invalid_agent_token' }
      for (let round = 0; round < 8; round++)
        await trial.refused(
          `kid is unknown-${round}`,
          () => call(stage, agent, named(agent, `unknown-${round}`, agent.key)),
          refusal,
        )
      const fetched = agent.origin.visits.length - before
      trial.holds(
        '8 unknown kids cause at most one more fetch of the documents',
        fetched <= 2,
        `${fetched} requests came`,
      )
    },
  },
  {
    id: 'DSC-25',
    group,
    needs,
    async run(trial, stage) {
      const [met, agent] = [await stage.open(), await stage.open()]
      await trial.control('another agent', () => call(stage, met))
      await Promise.all(
        Array.from({ length: 8 }, (_, at) =>
          trial.accepted(`first request ${at + 1} of 8 at once`, () => call(stage, agent)),
        ),
      )
      noteFetches(trial, agent, 1)
    },
  },
  {
    id: 'DSC-33',
    group,
    needs,
    async run(trial, stage) {
      const agent = await stage.open()
      const names = ['cookie', 'authorization', 'x-request-id', 'signature', 'signature-key', 'signature-input']
      let said: readonly string[] = []
      await trial.control('an agent that sends a cookie and a request id', () => {
        const route = routeOf(stage, 'identified')
        const draft = draftFor(stage, route, byPublishedKey(agent))
        const more = [
          ['cookie', 'secret=1'],
          ['x-request-id', 'conformance'],
          ['authorization', 'Basic eDp5'],
        ] as const
        const request = signDraft({ ...draft, headers: [...draft.headers, ...more] })
        said = names.flatMap(name => headerLines(request, name))
        return request
      })
      const told = agent.origin.visits.flatMap(visit =>
        visit.headers.filter(([, value]) => said.some(one => value.includes(one))).map(([name]) => name),
      )
      trial.holds('the documents are fetched', agent.origin.visits.length > 0)
      trial.holds('no fetch carries what the caller has sent', told.length === 0, told.join(', '))
    },
  },
  {
    id: 'trust.local-first',
    group,
    needs,
    async run(trial, stage) {
      const [met, agent] = [await stage.open(), await stage.open()]
      await trial.control('another agent', () => call(stage, met))
      const route = routeOf(stage, 'identified')
      const draft = () => draftFor(stage, route, byPublishedKey(agent))
      const refusal: Refusal = { status: 401, error: 'invalid_signature' }
      await trial.refused('it covers nothing', () => signDraft({ ...draft(), components: [] }), refusal)
      await trial.refused('it was signed long ago', () => signDraft({ ...draft(), parameters: ';created=1' }), refusal)
      const { length } = agent.origin.visits
      trial.holds('nothing is fetched for it', length === 0, `${length} requests came`)
    },
  },
  {
    id: 'DSC-14',
    group,
    needs,
    async run(trial, stage) {
      const [met, agent] = [await stage.open(), await stage.open()]
      await trial.control('another agent', () => call(stage, met))
      agent.origin.answer(metadataPath, () => new Promise(() => undefined))
      const started = performance.now()
      await trial.refused('its metadata never come', () => call(stage, agent), { status: [401, 503] })
      const seconds = (performance.now() - started) / 1000
      trial.holds('it is refused within 7 s', seconds < 7, `it took ${seconds.toFixed(1)} s`)
    },
  },
]

function named(agent: Participant, kid: string, key: TestKey): { key: TestKey; keyMember: string } {
  return { key, keyMember: publishedKeyMember({ id: agent.id, kid }) }
}

function noteFetches(trial: Trial, { origin }: Participant, most: number): void {
  for (const path of [metadataPath, '/jwks.json']) {
    const fetched = origin.visits.filter(({ target }) => target === path).length
    trial.holds(`${path} is fetched at most once`, fetched <= most, `${fetched} requests came`)
  }
}
