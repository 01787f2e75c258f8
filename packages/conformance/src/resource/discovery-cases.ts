import type { Case } from '../case/case.js'
import type { Refusal } from '../case/refusal.js'
import { type Trial, Undecided } from '../case/trial.js'
import { identityMembers, type Participant, publishedKey } from '../participants/participant.js'
import { signDraft } from '../signing/draft.js'
import { makeKey, type TestKey } from '../signing/key.js'
import { headerLines, type WireRequest } from '../wire/message.js'
import { byPublishedKey, draftFor, publishedKeyMember, type ResourceStage, routeOf } from './stage.js'

const group = 'discovery'
const needs = ['identified', 'loopback']
/** A document that is wrong is 401; where a receiver counts it as one that cannot be reached, 503. */
const noDocument: Refusal = { status: [401, 503], error: ['discovery_failed', 'invalid_agent_token'] }
const metadataPath = '/.well-known/aauth-agent'

/** A request of an agent that nobody has met before. */
function call(stage: ResourceStage, agent: Participant, signer = byPublishedKey(agent)): WireRequest {
  return signDraft(draftFor(stage, routeOf(stage, 'identified'), signer))
}

const text =
  (body: string, headers: Readonly<Record<string, string>> = {}, status = 200) =>
  () => ({
    status,
    headers: { 'content-type': 'application/json', ...headers },
    body,
  })

/** What is wrong with the documents of an agent. */
interface WrongDocument {
  readonly fault: string
  readonly publish: (agent: Participant) => void
  readonly refused?: Refusal
}

/** A case of agents whose documents are each wrong in one thing. */
function wrongDocuments(
  id: string,
  wrong: readonly WrongDocument[],
  clauses: readonly string[] = [],
): Case<ResourceStage> {
  return {
    id,
    group,
    needs,
    clauses,
    async run(trial, stage) {
      const right = await stage.open()
      await trial.control('an agent whose documents are right', () => call(stage, right))
      for (const { fault, publish, refused = noDocument } of wrong) {
        const agent = await stage.open()
        publish(agent)
        await trial.refused(fault, () => call(stage, agent), refused)
      }
    },
  }
}

const metadataWith = (members: Readonly<Record<string, unknown>>) => (agent: Participant) =>
  agent.origin.publish(metadataPath, { ...identityMembers('aauth-agent', agent.id), ...members })

const keysOf = (agent: Participant): object => publishedKey(agent.kid, agent.key)

/** DSC: what is read of an agent's documents, and what is fetched. */
export const discoveryCases: readonly Case<ResourceStage>[] = [
  wrongDocuments(
    'DSC-17',
    [
      { fault: 'issuer is another', publish: metadataWith({ issuer: 'https://other.example' }) },
      { fault: 'agent is another', publish: metadataWith({ agent: 'https://other.example' }) },
      { fault: 'agent is missing', publish: metadataWith({ agent: undefined }) },
      { fault: 'issuer is missing', publish: metadataWith({ issuer: undefined }) },
      { fault: 'there are no metadata', publish: agent => agent.origin.answer(metadataPath, text('', {}, 404)) },
    ],
    ['error.discovery-failed'],
  ),
  wrongDocuments('DSC-18', [
    {
      fault: 'a member of the metadata comes twice',
      publish: agent =>
        agent.origin.answer(
          metadataPath,
          text(
            JSON.stringify(identityMembers('aauth-agent', agent.id)).replace('{', `{"issuer":"https://other.example",`),
          ),
        ),
    },
    {
      fault: 'a member of the key set comes twice',
      publish: agent =>
        agent.origin.answer('/jwks.json', text(JSON.stringify({ keys: [keysOf(agent)] }).replace('{', '{"keys":[],'))),
    },
  ]),
  wrongDocuments('DSC-15', [
    {
      fault: 'the metadata are text/html',
      publish: agent =>
        agent.origin.answer(
          metadataPath,
          text(JSON.stringify(identityMembers('aauth-agent', agent.id)), { 'content-type': 'text/html' }),
        ),
    },
    {
      fault: 'the key set is answered with 500',
      publish: agent => agent.origin.answer('/jwks.json', text('{}', {}, 500)),
    },
    {
      fault: 'the metadata are answered with 204',
      publish: agent => agent.origin.answer(metadataPath, text('', {}, 204)),
    },
  ]),
  wrongDocuments('DSC-08', [
    {
      fault: 'the metadata are elsewhere on the same origin, by a redirect',
      publish: agent => {
        agent.origin.publish('/elsewhere', identityMembers('aauth-agent', agent.id))
        agent.origin.answer(metadataPath, text('', { location: '/elsewhere' }, 302))
      },
    },
    {
      fault: 'the key set is elsewhere, by a redirect',
      publish: agent => {
        agent.origin.publish('/elsewhere', { keys: [keysOf(agent)] })
        agent.origin.answer('/jwks.json', text('', { location: '/elsewhere' }, 307))
      },
    },
  ]),
  wrongDocuments('DSC-12', [
    { fault: 'the metadata have over 64 KiB', publish: metadataWith({ padding: 'x'.repeat(66_000) }) },
    {
      fault: 'the key set has over 256 KiB',
      publish: agent => agent.origin.publish('/jwks.json', { keys: [keysOf(agent)], padding: 'x'.repeat(270_000) }),
    },
  ]),
  wrongDocuments('id.endpoints.origin', [
    {
      fault: 'an endpoint of the metadata is on another origin',
      publish: metadataWith({ delegate_token_endpoint: 'https://other.example/token' }),
    },
    {
      fault: 'an endpoint of the metadata has a query',
      publish: agent => metadataWith({ delegate_token_endpoint: `${agent.id}/token?x=1` })(agent),
    },
  ]),
  wrongDocuments('KEY-25', [
    { fault: 'keys is an object', publish: agent => agent.origin.publish('/jwks.json', { keys: {} }) },
    { fault: 'keys is missing', publish: agent => agent.origin.publish('/jwks.json', {}) },
    { fault: 'the key set is an array', publish: agent => agent.origin.publish('/jwks.json', [keysOf(agent)]) },
  ]),
  wrongDocuments('discovery.duplicate-kid', [
    {
      fault: 'two keys have the kid',
      publish: agent =>
        agent.origin.publish('/jwks.json', { keys: [keysOf(agent), publishedKey(agent.kid, makeKey())] }),
    },
  ]),
  wrongDocuments('id.jwk-alg', [
    {
      fault: 'the published key has no alg',
      publish: agent => agent.origin.publish('/jwks.json', { keys: [{ ...keysOf(agent), alg: undefined }] }),
      refused: { status: [401, 503], error: ['discovery_failed', 'invalid_agent_token', 'unsupported_algorithm'] },
    },
  ]),
  {
    id: 'KEY-24',
    group,
    needs,
    async run(trial, stage) {
      const right = await stage.open()
      await trial.control('an agent whose documents are right', () => call(stage, right))
      const agent = await stage.open()
      const broken = [
        null,
        1,
        {},
        { kty: 'XYZ', kid: 'a' },
        { kty: 'OKP', crv: 'Ed25519', x: '', kid: 'b', alg: 'Ed25519' },
      ]
      agent.origin.publish('/jwks.json', { keys: [...broken, keysOf(agent), { kty: 'oct', k: 'YQ', kid: 'c' }] })
      await trial.accepted('broken and unknown keys stand around the right one', () => call(stage, agent))
    },
  },
  {
    id: 'id.jwks-elsewhere',
    group,
    needs,
    async run(trial, stage) {
      const [agent, elsewhere] = [await stage.open(), await stage.open()]
      await trial.control('an agent whose documents are right', () => call(stage, elsewhere))
      elsewhere.origin.publish('/others.json', { keys: [keysOf(agent)] })
      metadataWith({ jwks_uri: `${elsewhere.id}/others.json` })(agent)
      await trial.accepted('its key set is on another origin', () => call(stage, agent))
    },
  },
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
      await trial.control('an agent that sends a cookie and a request id', () => {
        const route = routeOf(stage, 'identified')
        const draft = draftFor(stage, route, byPublishedKey(agent))
        const more = [
          ['cookie', 'secret=1'],
          ['x-request-id', 'conformance'],
          ['authorization', 'Basic eDp5'],
        ] as const
        return signDraft({ ...draft, headers: [...draft.headers, ...more] })
      })
      const names = ['cookie', 'authorization', 'x-request-id', 'signature', 'signature-key', 'signature-input']
      const told = agent.origin.visits.flatMap(visit => names.filter(name => headerLines(visit, name).length > 0))
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
