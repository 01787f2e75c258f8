import { randomBytes } from 'node:crypto'
import {
  type CallToolResult,
  createRequestStateCodec,
  fromJsonSchema,
  type InputRequests,
  type InputRequiredResult,
  inputRequired,
  inputResponse,
  type McpServer,
  type RequestStateCodec,
  type ServerContext,
} from '@modelcontextprotocol/server'
import { said } from './content.fixture.js'
import { capabilitiesOf } from './streaming.fixture.js'

// What the official suite expects of tools and prompts that ask the client: for clients of 2025-11-25, the SDK asks at once.

/** Seals what a tool must remember from one round to the next. */
export function stateCodec(): RequestStateCodec<Round> {
  return createRequestStateCodec<Round>({ key: randomBytes(32) })
}

/** Which answers came before. */
export interface Round {
  readonly round: number
  readonly name?: string
}

const nameSchema = {
  type: 'object' as const,
  properties: { name: { type: 'string' as const } },
  required: ['name'],
}
const ask = (message: string) => inputRequired.elicit({ message, requestedSchema: nameSchema })
const sample = (text: string, maxTokens: number) =>
  inputRequired.createMessage({ messages: [{ role: 'user', content: { type: 'text', text } }], maxTokens })

/** The words that an answer has, whatever its kind; undefined where the client gave none. */
function answered({ mcpReq }: ServerContext, key: string): string | undefined {
  const answer = inputResponse(mcpReq.inputResponses, key)
  switch (answer.kind) {
    case 'missing':
      return undefined
    case 'elicit':
      return `action=${answer.action}, content=${JSON.stringify(answer.content ?? {})}`
    case 'sampling':
      return JSON.stringify(answer.result.content)
    case 'roots':
      return answer.roots.map(({ uri }) => uri).join(', ')
  }
}

/** Asks all, until all are answered. */
function asking(ctx: ServerContext, inputRequests: InputRequests): CallToolResult | InputRequiredResult {
  const answers = Object.keys(inputRequests).map(key => answered(ctx, key))
  if (answers.includes(undefined)) return inputRequired({ inputRequests })
  return said(answers.join('; '))
}

/** Adds the tools and the prompt that ask. */
export function addAskingTools(server: McpServer, codec: RequestStateCodec<Round>): void {
  addPlainQuestions(server)
  addEarlierQuestions(server)
  addQuestionsWithState(server, codec)
  const context = { type: 'object' as const, properties: { context: { type: 'string' as const } } }
  const question = { message: 'What context should the prompt use?', requestedSchema: context }
  server.registerPrompt('test_input_required_result_prompt', { description: 'Asks for its context' }, ctx => {
    const text = answered(ctx, 'user_context')
    if (text === undefined) return inputRequired({ inputRequests: { user_context: inputRequired.elicit(question) } })
    return { messages: [{ role: 'user', content: { type: 'text', text } }] }
  })
}

function addPlainQuestions(server: McpServer): void {
  const plain: ReadonlyArray<readonly [name: string, requests: InputRequests]> = [
    ['elicitation', { user_name: ask('What is your name?') }],
    ['sampling', { capital_question: sample('What is the capital of France?', 100) }],
    ['list_roots', { client_roots: inputRequired.listRoots() }],
  ]
  for (const [name, requests] of plain)
    server.registerTool(`test_input_required_result_${name}`, { description: 'Asks once' }, ctx =>
      asking(ctx, requests),
    )
  // For a client that cannot sample, the SDK refuses the call in place of the question.
  server.registerTool('test_missing_capability', { description: 'Asks the model' }, ctx =>
    asking(ctx, { model: sample('Say hello', 50) }),
  )
  const description = 'Asks what the client can answer'
  server.registerTool('test_input_required_result_capabilities', { description }, ctx => {
    const can = capabilitiesOf(ctx)
    return asking(ctx, {
      ...(can['sampling'] === undefined ? {} : { sample: sample('Say hello', 50) }),
      ...(can['elicitation'] === undefined ? {} : { name: ask('What is your name?') }),
    })
  })
}

/** Those of scenarios for clients of 2025-11-25. */
function addEarlierQuestions(server: McpServer): void {
  const text = (name: string) =>
    fromJsonSchema<Record<string, string>>({
      type: 'object',
      properties: { [name]: { type: 'string' } },
      required: [name],
    })
  const prompted = { description: 'Asks the model', inputSchema: text('prompt') }
  server.registerTool('test_sampling', prompted, ({ prompt = '' }, ctx) => asking(ctx, { model: sample(prompt, 100) }))
  const messaged = { description: 'Asks the user', inputSchema: text('message') }
  server.registerTool('test_elicitation', messaged, ({ message = '' }, ctx) =>
    asking(ctx, {
      user: inputRequired.elicit({
        message,
        requestedSchema: {
          type: 'object',
          properties: { username: { type: 'string' }, email: { type: 'string' } },
          required: ['username', 'email'],
        },
      }),
    }),
  )
  for (const [name, properties] of [
    ['sep1034_defaults', defaults],
    ['sep1330_enums', enums],
  ] as const)
    server.registerTool(`test_elicitation_${name}`, { description: 'Asks with a form' }, ctx =>
      asking(ctx, {
        form: inputRequired.elicit({ message: 'Please fill in', requestedSchema: { type: 'object', properties } }),
      }),
    )
}

function addQuestionsWithState(server: McpServer, codec: RequestStateCodec<Round>): void {
  const ok = { type: 'object' as const, properties: { ok: { type: 'boolean' as const } }, required: ['ok'] }
  for (const name of ['request_state', 'tampered_state'])
    server.registerTool(`test_input_required_result_${name}`, { description: 'Remembers' }, async ctx => {
      const isAnswered = answered(ctx, 'confirm') !== undefined
      if (isAnswered && ctx.mcpReq.requestState<Round>()?.round === 1) return said('state-ok')
      const confirm = inputRequired.elicit({ message: 'Please confirm', requestedSchema: ok })
      return inputRequired({ inputRequests: { confirm }, requestState: await codec.mint({ round: 1 }) })
    })
  server.registerTool('test_input_required_result_multiple_inputs', { description: 'Asks thrice' }, async ctx => {
    const inputRequests = {
      user_name: ask('What is your name?'),
      greeting: sample('Generate a greeting', 50),
      client_roots: inputRequired.listRoots(),
    }
    const result = asking(ctx, inputRequests)
    if ('content' in result) return result
    return inputRequired({ inputRequests, requestState: await codec.mint({ round: 1 }) })
  })
  server.registerTool('test_input_required_result_multi_round', { description: 'Asks twice' }, async ctx => {
    const before = ctx.mcpReq.requestState<Round>()
    const [first, second] = [answered(ctx, 'step1'), answered(ctx, 'step2')]
    if (before?.round === 2 && second !== undefined) return said(`${before.name}; ${second}`)
    if (before?.round === 1 && first !== undefined) {
      const step2 = ask('Step 2: What is your favorite color?')
      return inputRequired({ inputRequests: { step2 }, requestState: await codec.mint({ round: 2, name: first }) })
    }
    const step1 = ask('Step 1: What is your name?')
    return inputRequired({ inputRequests: { step1 }, requestState: await codec.mint({ round: 1 }) })
  })
}

const defaults = {
  name: { type: 'string' as const, default: 'John Doe' },
  age: { type: 'integer' as const, default: 30 },
  score: { type: 'number' as const, default: 95.5 },
  status: { type: 'string' as const, enum: ['active', 'inactive', 'pending'], default: 'active' },
  verified: { type: 'boolean' as const, default: true },
}

const three = ['option1', 'option2', 'option3']
const titled = ['First', 'Second', 'Third'].map((title, at) => ({ const: `value${at + 1}`, title }))
const enums = {
  untitledSingle: { type: 'string' as const, enum: three },
  titledSingle: { type: 'string' as const, oneOf: titled },
  legacyEnum: {
    type: 'string' as const,
    enum: ['opt1', 'opt2', 'opt3'],
    enumNames: ['Option One', 'Option Two', 'Option Three'],
  },
  untitledMulti: { type: 'array' as const, items: { type: 'string' as const, enum: three } },
  titledMulti: { type: 'array' as const, items: { anyOf: titled } },
}
