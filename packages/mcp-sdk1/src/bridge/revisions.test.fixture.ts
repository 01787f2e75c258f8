import { Client as NewClient, InMemoryTransport as NewPipe } from '@modelcontextprotocol/client'
import { Client as OldClient } from '@modelcontextprotocol/sdk/client/index.js'
import { InMemoryTransport } from '@modelcontextprotocol/sdk/inMemory.js'
import { Server as OldServer } from '@modelcontextprotocol/sdk/server/index.js'
import {
  CallToolRequestSchema,
  ElicitRequestSchema,
  ListToolsRequestSchema,
  LoggingMessageNotificationSchema,
  ResourceUpdatedNotificationSchema,
  SetLevelRequestSchema,
  SubscribeRequestSchema,
  ToolListChangedNotificationSchema,
  UnsubscribeRequestSchema,
} from '@modelcontextprotocol/sdk/types.js'
import { inputRequired, Server as NewServer } from '@modelcontextprotocol/server'
import { serveStdio } from '@modelcontextprotocol/server/stdio'
import { type Bridge, bridge } from './bridge.js'
import type { RemoteTransport } from './transport.js'

// Clients and servers of both lines of the SDK, which do the same each in its own way, with a bridge between them.

/** A client, as the tests use it. */
export interface AnyClient {
  call(name: string, options?: { signal?: AbortSignal; onprogress?: (progress: number) => void }): Promise<string>
  tools(): Promise<string[]>
  /** Begins to listen for changes of tools and of one resource. */
  watch(uri: string): Promise<void>
  setLevel(level: 'info'): Promise<void>
  close(): Promise<void>
  readonly revision: () => string | undefined
}

/** A server, as the tests use it. */
export interface AnyServer {
  changed(uri: string): Promise<void>
}

export interface Seen {
  /** What the user of the client was asked. */
  readonly asked: object[]
  /** Changes and log messages that reached the client. */
  readonly heard: string[]
  /** What ran at the server. */
  readonly ran: string[]
}

/** What the user of a client answers. */
export type Answering = (params: object) => { action: 'accept' | 'decline'; content?: Record<string, string> }

export interface Place {
  readonly client: AnyClient
  readonly server: AnyServer
  readonly between: Bridge
  readonly errors: Error[]
  readonly seen: Seen
}

const form = { type: 'object', properties: { name: { type: 'string' } } } as const
const text = (said: string) => ({ content: [{ type: 'text' as const, text: said }] })
const capabilities = { tools: { listChanged: true }, resources: { subscribe: true }, logging: {} }
const tool = { name: 'hello', inputSchema: { type: 'object' as const } }

/** A server of revision 2025-11-25. */
export function oldServer(pipe: InMemoryTransport, seen: Seen): AnyServer {
  const server = new OldServer({ name: 'old', version: '1' }, { capabilities, instructions: 'be kind' })
  server.setRequestHandler(ListToolsRequestSchema, () => ({ tools: [tool] }))
  server.setRequestHandler(CallToolRequestSchema, async ({ params }, { signal, sendNotification, _meta }) => {
    seen.ran.push(params.name)
    const progressToken = _meta?.progressToken ?? 'none'
    switch (params.name) {
      case 'ask': {
        const first = await server.elicitInput({ mode: 'form', message: 'Who?', requestedSchema: form })
        const second = await server.elicitInput({ mode: 'form', message: 'And who?', requestedSchema: form })
        return text([first, second].map(({ content }) => content?.['name']).join(' and '))
      }
      case 'steps':
        for (const progress of [1, 2])
          await sendNotification({ method: 'notifications/progress', params: { progressToken, progress } })
        await server.sendLoggingMessage({ level: 'info', data: 'stepped' })
        return text('done')
      case 'wait':
        return ended(signal, seen)
      default:
        return text(`${params.name}: done`)
    }
  })
  server.setRequestHandler(SubscribeRequestSchema, ({ params }) => {
    seen.ran.push(`subscribe ${params.uri}`)
    return {}
  })
  server.setRequestHandler(UnsubscribeRequestSchema, ({ params }) => {
    seen.ran.push(`unsubscribe ${params.uri}`)
    return {}
  })
  server.setRequestHandler(SetLevelRequestSchema, () => ({}))
  void server.connect(pipe)
  return {
    async changed(uri) {
      await server.sendToolListChanged()
      await server.sendResourceUpdated({ uri })
    },
  }
}

/** A server of revision 2026-07-28. */
export function newServer(pipe: NewPipe, seen: Seen): AnyServer {
  const server = new NewServer({ name: 'new', version: '1' }, { capabilities, instructions: 'be kind' })
  server.setRequestHandler('tools/list', () => ({ tools: [tool] }))
  server.setRequestHandler('tools/call', async ({ params }, ctx) => {
    seen.ran.push(params.name)
    const { inputResponses, signal, notify, _meta } = ctx.mcpReq
    const progressToken = _meta?.progressToken ?? 'none'
    const elicit = (message: string) => inputRequired.elicit({ message, requestedSchema: form })
    const nameOf = (key: string): unknown => Object(Object(inputResponses)[key]).content?.name
    switch (params.name) {
      case 'ask':
        if (inputResponses === undefined)
          return inputRequired({ requestState: 'one', inputRequests: { first: elicit('Who?') } })
        if (ctx.mcpReq.requestState() === 'one')
          return inputRequired({
            requestState: `two ${nameOf('first')}`,
            inputRequests: { second: elicit('And who?') },
          })
        return text(`${String(ctx.mcpReq.requestState()).slice(4)} and ${nameOf('second')}`)
      case 'steps':
        for (const progress of [1, 2])
          await notify({ method: 'notifications/progress', params: { progressToken, progress } })
        await ctx.mcpReq.log('info', 'stepped')
        return text('done')
      case 'wait':
        return ended(signal, seen)
      default:
        return text(`${params.name}: done`)
    }
  })
  serveStdio(() => server, { transport: pipe, legacy: 'reject' })
  return {
    async changed(uri) {
      await server.sendToolListChanged()
      await server.sendResourceUpdated({ uri })
    },
  }
}

async function ended(signal: AbortSignal, seen: Seen) {
  await new Promise(resolve => signal.addEventListener('abort', resolve))
  seen.ran.push('cancelled')
  return text('too late')
}

const offered = { elicitation: { form: {}, url: {} } }

/** A client of revision 2025-11-25. */
export async function oldClient(
  pipe: InMemoryTransport,
  { asked, heard }: Seen,
  answer: Answering,
): Promise<AnyClient> {
  const client = new OldClient({ name: 'old client', version: '1' }, { capabilities: offered })
  client.setRequestHandler(ElicitRequestSchema, ({ params }) => {
    asked.push(params)
    return answer(params)
  })
  client.setNotificationHandler(ToolListChangedNotificationSchema, () => void heard.push('tools'))
  client.setNotificationHandler(ResourceUpdatedNotificationSchema, ({ params }) => void heard.push(params.uri))
  client.setNotificationHandler(LoggingMessageNotificationSchema, ({ params }) => void heard.push(`log ${params.data}`))
  await client.connect(pipe)
  return {
    async call(name, { signal, onprogress } = {}) {
      const told = onprogress && { onprogress: ({ progress }: { progress: number }) => onprogress(progress) }
      const { content } = await client.callTool({ name }, undefined, { ...(signal && { signal }), ...told })
      return textOf(content)
    },
    tools: async () => (await client.listTools()).tools.map(({ name }) => name),
    async watch(uri) {
      await client.subscribeResource({ uri })
    },
    setLevel: async level => void (await client.setLoggingLevel(level)),
    close: () => client.close(),
    revision: () => client.getServerVersion()?.name,
  }
}

/** A client of revision 2026-07-28. */
export async function newClient(pipe: NewPipe, { asked, heard }: Seen, answer: Answering): Promise<AnyClient> {
  const client = new NewClient(
    { name: 'new client', version: '1' },
    { capabilities: offered, versionNegotiation: { mode: { pin: '2026-07-28' } } },
  )
  client.setRequestHandler('elicitation/create', ({ params }) => {
    asked.push(params)
    return answer(params)
  })
  client.setNotificationHandler('notifications/tools/list_changed', () => void heard.push('tools'))
  client.setNotificationHandler('notifications/resources/updated', ({ params }) => void heard.push(params.uri))
  client.setNotificationHandler('notifications/message', ({ params }) => void heard.push(`log ${params.data}`))
  await client.connect(pipe)
  let level: Record<string, string> = {}
  return {
    async call(name, { signal, onprogress } = {}) {
      const told = onprogress && { onprogress: ({ progress }: { progress: number }) => onprogress(progress) }
      const { content } = await client.callTool({ name, _meta: level }, { ...(signal && { signal }), ...told })
      return textOf(content)
    },
    tools: async () => (await client.listTools()).tools.map(({ name }) => name),
    async watch(uri) {
      await client.listen({ toolsListChanged: true, resourceSubscriptions: [uri] })
    },
    async setLevel(wanted) {
      level = { 'io.modelcontextprotocol/logLevel': wanted }
    },
    close: () => client.close(),
    revision: () => client.getServerVersion()?.name,
  }
}

function textOf(content: unknown): string {
  return (content as ReadonlyArray<{ readonly text?: string }>).map(block => block.text ?? '').join()
}

/** Which line of the SDK each side is of. */
export type Lines = readonly [client: 'old' | 'new', server: 'old' | 'new']

const ada: Answering = params => ({
  action: 'accept',
  ...('url' in params ? {} : { content: { name: Object(params).message === 'Who?' ? 'Ada' : 'Grace' } }),
})

export async function placeOf([client, server]: Lines, answer: Answering = ada): Promise<Place> {
  const seen: Seen = { asked: [], heard: [], ran: [] }
  const errors: Error[] = []
  const [near, local] = client === 'old' ? InMemoryTransport.createLinkedPair() : NewPipe.createLinkedPair()
  const [remote, far] = server === 'old' ? InMemoryTransport.createLinkedPair() : NewPipe.createLinkedPair()
  const served = server === 'old' ? oldServer(far as InMemoryTransport, seen) : newServer(far as NewPipe, seen)
  const between = bridge({
    local,
    remote: () => remote as RemoteTransport,
    onError: error => void errors.push(error),
  })
  await between.start()
  const connected =
    client === 'old'
      ? await oldClient(near as InMemoryTransport, seen, answer)
      : await newClient(near as NewPipe, seen, answer)
  return { client: connected, server: served, between, errors, seen }
}
