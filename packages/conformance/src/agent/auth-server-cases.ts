import type { Case } from '../case/case.js'
import { type Trial, Undecided } from '../case/trial.js'
import { openOrigin, type Reply } from '../participants/origin.js'
import { identityMembers } from '../participants/participant.js'
import { directControl, type Flowed, flow } from './flow.js'
import { issuerMembers } from './issuer.js'
import type { AgentStage } from './stage.js'

const group = 'auth server'
const needs = ['identity']
const metadataPath = '/.well-known/aauth-issuer'

/** Metadata of the auth server with one fault. */
function metadataOf(stage: AgentStage, change: Readonly<Record<string, unknown>> = {}): Reply {
  const { id } = stage.authServer
  return {
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ ...identityMembers('aauth-issuer', id), ...issuerMembers(id), ...change }),
  }
}

interface OtherMetadata {
  readonly title: string
  readonly reply: Reply
}

/** A call while the metadata of the auth server are others. @throws Undecided */
async function withMetadata(trial: Trial, stage: AgentStage, { title, reply }: OtherMetadata): Promise<Flowed> {
  const { origin } = stage.authServer
  const isRead = (): number => origin.visits.filter(({ target }) => target === metadataPath).length
  const before = isRead()
  origin.answer(metadataPath, () => reply)
  try {
    const flowed = await flow(trial, stage, { title })
    if (isRead() === before) throw new Undecided('skipped', 'the agent had the metadata of the auth server already')
    return flowed
  } finally {
    origin.answer(metadataPath, () => metadataOf(stage))
  }
}

/** What an agent checks of its auth server. */
export const authServerCases: readonly Case<AgentStage>[] = [
  {
    id: 'CLI-03',
    group,
    needs,
    alone: true,
    clauses: ['id.metadata.self', 'id.endpoints.origin', 'discovery.media-type', 'discovery.sizes'],
    async run(trial, stage) {
      await directControl(trial, stage)
      const { id: elsewhere, origin } = stage.stranger
      const tokenPath = '/agent/token'
      const askedElsewhere = (): number => origin.visits.filter(({ target }) => target === tokenPath).length
      for (const [title, reply] of [
        ['its metadata name another issuer', metadataOf(stage, { issuer: elsewhere })],
        ['its metadata name no issuer', metadataOf(stage, { issuer: undefined })],
        ['its token endpoint is elsewhere', metadataOf(stage, { agent_token_endpoint: `${elsewhere}${tokenPath}` })],
        ['its metadata are HTML', { ...metadataOf(stage), headers: { 'content-type': 'text/html' } }],
        ['its metadata have 100 KiB', metadataOf(stage, { more: 'x'.repeat(100 * 1024) })],
      ] as const) {
        const { asked, succeeded } = await withMetadata(trial, stage, { title, reply })
        trial.holds(`${title}: it is not asked`, asked.length === 0, `${asked.length} requests came`)
        trial.holds(`${title}: nor is another`, askedElsewhere() === 0, `${askedElsewhere()} requests came`)
        trial.holds(`${title}: the agent says that it failed`, !succeeded)
      }
    },
  },
  {
    id: 'discovery.no-redirects',
    group,
    needs,
    alone: true,
    clauses: ['discovery.posts'],
    async run(trial, stage) {
      await directControl(trial, stage)
      const elsewhere = await openOrigin()
      elsewhere.answer('*', () => metadataOf(stage))
      try {
        const redirected: Reply = { status: 302, headers: { location: `${elsewhere.id}${metadataPath}` }, body: '' }
        const first = await withMetadata(trial, stage, { title: 'its metadata are redirected', reply: redirected })
        trial.holds('metadata elsewhere are not read', elsewhere.visits.length === 0 && !first.succeeded)
        const second = await flow(trial, stage, {
          title: 'its token endpoint redirects',
          token: () => ({ status: 307, headers: { location: `${elsewhere.id}/agent/token` }, body: '' }),
        })
        trial.holds(
          'the token request goes nowhere else',
          elsewhere.visits.length === 0,
          `${elsewhere.visits.length} came`,
        )
        trial.holds('the agent says that it failed', !second.succeeded && second.withToken.length === 0)
      } finally {
        await elsewhere.close()
      }
    },
  },
]
