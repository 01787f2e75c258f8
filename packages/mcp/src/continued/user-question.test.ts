import { verifies } from '@countersign/requirements'
import type { Authorization, Questions } from '@countersign/resource'
import { expect, test } from 'vitest'
import type { McpMessage } from '../rules/rpc.js'
import { streamShares } from '../stream/shares.js'
import { awaitUser, canAsk } from './user-question.js'

// A repeated request, and what its user has done meanwhile.

const owner = { agent: 'https://agent.example' }
const own = 'io.github.countersign-dev/user'
const question = { url: 'https://tools.example/aauth/interact?session=s', code: 's.c', until: 600 }
const continued = { kind: 'state', of: 'tools/call book', question, owner, at: 'https://tools.example/mcp' } as const

interface Scene {
  readonly said?: Awaited<ReturnType<Questions['answer']>>
  readonly action?: string
  readonly expires?: number
  readonly room?: number
  readonly whileOpen?: (end: () => void) => () => void
}

function repeated({ said = 'agreed', action = 'accept', expires, room = 1, whileOpen }: Scene) {
  const authorization = {
    ok: true,
    aauth: { level: 'authorized', scope: [], chain: [], ...(expires === undefined ? {} : { expires }) },
    questions: { of: async () => undefined, answer: async () => said },
    ...(whileOpen === undefined ? {} : { whileOpen }),
  } as unknown as Authorization & { readonly ok: true }
  const params = { name: 'book', inputResponses: { [own]: { action } } }
  const rpc: McpMessage = {
    value: { jsonrpc: '2.0', id: 7, method: 'tools/call', params },
    request: { id: 7, method: 'tools/call' },
    subject: { kind: 'tool', name: 'book' },
    revision: 'stateless',
  }
  const sealed: object[] = []
  const continuations = {
    read: async () => undefined,
    seal: async (what: object) => {
      sealed.push(what)
      return 'sealed'
    },
    takeOnce: async () => expect.fail('the guard takes a state only once the call goes on'),
  }
  const waits = streamShares({ subscriptions: 10, perCaller: room })
  const continuing = { kind: 'state', sent: 'x', continued } as const
  return {
    answer: () => awaitUser({ rpc, owner, continuing, authorization, continuations, waits, now: () => 100 }),
    sealed,
  }
}

const bodyOf = async (response: Response | undefined): Promise<unknown> => response?.json()

test('goes on once its user has agreed, and where the question was answered and used before', async () => {
  expect(await repeated({}).answer()).toBeUndefined()
  expect(await repeated({ said: 'gone' }).answer()).toBeUndefined()
})

test('is told of a refusal', async () => {
  const refusal = {
    jsonrpc: '2.0',
    id: 7,
    error: { code: -32_000, data: { error: 'access_denied', reason: 'user_refused' } },
  }
  for (const scene of [{ said: 'denied' }, { action: 'decline' }, { action: 'cancel' }] as const)
    expect(await bodyOf(await repeated(scene).answer())).toMatchObject(refusal)
})

test('is asked the same question again, for no longer than it lives', async () => {
  const { answer, sealed } = repeated({ said: 'open' })
  expect(await bodyOf(await answer())).toMatchObject({
    result: {
      resultType: 'input_required',
      requestState: 'sealed',
      inputRequests: { [own]: { params: { url: question.url } } },
    },
  })
  expect(sealed).toMatchObject([{ question }])
})

test(verifies('mcp.shares', 'is refused where too many of its caller wait'), async () => {
  const { answer } = repeated({ room: 0 })
  await expect(answer()).rejects.toMatchObject({ code: 'temporarily_unavailable', reason: 'capacity_exceeded' })
})

test(verifies('exchange.upstream', 'does not go on under a grant that ended while it waited, or a token'), async () => {
  const ended = { code: 'invalid_auth_token', reason: 'grant_ended' }
  await expect(repeated({ expires: 100 }).answer()).rejects.toMatchObject(ended)
  let left = 0
  const whileOpen = (end: () => void): (() => void) => {
    end()
    return () => void left++
  }
  const { answer } = repeated({ whileOpen })
  for (let times = 1; times <= 2; times++) {
    await expect(answer()).rejects.toMatchObject(ended)
    expect(left).toBe(times)
  }
  expect(await repeated({ expires: 101 }).answer()).toBeUndefined()
})

test('a client is asked only where it can, and can be handed what the request went on with', () => {
  const asker = (capabilities: object, answers?: object) => {
    const params = {
      name: 'book',
      inputResponses: answers,
      _meta: { 'io.modelcontextprotocol/clientCapabilities': capabilities },
    }
    const rpc: McpMessage = {
      value: { params },
      request: { id: 1, method: 'tools/call' },
      subject: { kind: 'tool', name: 'book' },
      revision: 'stateless',
    }
    return { rpc, owner, continuing: undefined }
  }
  expect(canAsk(asker({ elicitation: { url: {} } }))).toBe(true)
  expect(canAsk(asker({ elicitation: {} }))).toBe(false)
  expect(canAsk(asker({ elicitation: { url: {} } }, { a: { content: 'x'.repeat(16_384) } }))).toBe(false)
})
