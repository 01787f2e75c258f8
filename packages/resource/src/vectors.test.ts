import { createBotDirectory, createDiscovery } from '@countersign/discovery'
import { generateSigningKey } from '@countersign/httpsig'
import { verifies } from '@countersign/requirements'
import { startedReplaySet } from '@countersign/testing/world/started-replay-set'
import { makeWeb } from '@countersign/testing/world/web'
import {
  bytesOf,
  readVectors,
  readWorld,
  requestOf,
  type Vector,
  type VectorReceiver,
  type VectorRequest,
} from '@countersign/vectors'
import { describe, expect, test } from 'vitest'
import { verifyBot } from './guard/verify-bot.js'
import { createResource, memoryRevocationSet } from './index.js'
import type { Revocation, RevocationSet } from './revocation/revocation-set.js'

const { documents, receivers, responses, time } = readWorld()
const kinds = ['bot-requests', 'revocation-notices'] as const

function receiverOf({ receiver = '' }: Vector): VectorReceiver {
  const found = receivers[receiver]
  if (found === undefined) throw new Error(`no receiver ${receiver}`)
  return found
}

function discoveryAt(at: number) {
  return createDiscovery({ now: () => at, fetcher: makeWeb(new Map(Object.entries(documents))).fetcher })
}

/** Answers a notice as a resource that keeps what it is told. */
async function judgeNotice(vector: Vector<VectorRequest>): Promise<object> {
  const { at = time, input } = vector
  const { identifier, authorities, auth_servers } = receiverOf(vector)
  const now = () => at
  const kept: Revocation[] = []
  const memory = memoryRevocationSet({ now })
  const revocations: RevocationSet = {
    ...memory,
    async add(revocation) {
      kept.push(revocation)
      return memory.add(revocation)
    },
  }
  const resource = createResource({
    id: identifier,
    authorities,
    authServers: auth_servers,
    revocations,
    now,
    keys: [{ kid: 'k1', key: await generateSigningKey() }],
    replay: startedReplaySet(now),
    discovery: discoveryAt(at),
  })
  const response = await resource.handle(requestOf(input))
  if (response === undefined) throw new Error('the notice is for another path')
  const { status } = response
  if (status === 204) return { result: 'accept', ...kept[0] }
  const { error: code, reason } = (await response.json()) as Record<string, unknown>
  return { result: 'refuse', reason, code, status }
}

/** Fetches the directories of the vectors. */
function directoryAt(at: number) {
  return createBotDirectory({
    now: () => at,
    async fetcher(url) {
      const { status, headers, body } = responses[url] ?? { status: 404, headers: [], body: { text: '' } }
      const contentType = headers.find(([name]) => name === 'content-type')?.[1] ?? ''
      return { status, contentType, headers, body: bytesOf(body) }
    },
  })
}

async function judgeBot(vector: Vector<VectorRequest>): Promise<object> {
  const { at = time, input } = vector
  const { authorities, window, bots = [] } = receiverOf(vector)
  const directory = directoryAt(at)
  const rules = { authorities, scheme: 'https', tolerance: window, now: () => at, development: false } as const
  try {
    const context = { components: [], rules: { ...rules, directory: () => directory }, peer: undefined }
    const { aauth, once } = await verifyBot(requestOf(input), { bots }, context)
    const keyid = /keyid="([^"]+)"/.exec(JSON.stringify(input.headers).replaceAll('\\', ''))?.[1]
    return { result: 'accept', bot: 'bot' in aauth ? aauth.bot : undefined, keyid, once: once !== undefined }
  } catch (error) {
    const { reason, code, status } = error as Record<string, unknown>
    if (reason === undefined) throw error
    return { result: 'refuse', reason, code, status }
  }
}

const judges = { 'bot-requests': judgeBot, 'revocation-notices': judgeNotice }

describe.each(kinds)('%s of the vectors', kind => {
  for (const vector of readVectors(kind))
    test(verifies(...(vector.clauses as [string]), `${vector.title} (${vector.id})`), async () => {
      // The base is shown to those who implement it, and `where` names the place of the check.
      const { where: _where, base: _base, ...expected } = vector.expect as Record<string, unknown>
      expect(await judges[kind](vector)).toEqual(expected)
    })
})
