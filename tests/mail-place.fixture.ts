import { type Agent, agentServer, callbackRoute, createAgent, type Interact, type Visit } from '@countersign/agent'
import { createAgentServer, type PublishedAgent } from '@countersign/agent-server'
import { askUsers } from '@countersign/auth-server'
import { generateSigningKey, readBody } from '@countersign/httpsig'
import { type ScriptedUser, scriptedUser } from '@countersign/playground'
import { createResource, display } from '@countersign/resource'
import { demoUsers, userDesk } from '@countersign/user-desk'
import { browserOf, domains, origins } from './domains.fixture.js'

/** A request as it came to the mail server. */
export interface CameRequest {
  readonly body: string
  readonly jwt: string
  readonly token: Readonly<Record<string, unknown>>
}

/** An app that sends mail, and users who approve each message at their auth server. */
export interface MailPlace {
  readonly app: string
  readonly auth: string
  readonly mail: string
  readonly server: PublishedAgent
  readonly agent: Agent
  /** Where users were sent, in order. */
  readonly visits: Visit[]
  /** Bodies of the messages that were sent, and the requests as they came. */
  readonly sent: string[]
  readonly came: CameRequest[]
  /** What the agent told of its steps. */
  readonly told: string[]
  /** The buttons that a user presses on the approval page. */
  answers: readonly string[]
  /** Whether the connection is cut after a message was sent. */
  cuts: boolean
  close(): Promise<void>
}

/** How a mail place differs from the usual one. */
export interface MailPlaceOptions {
  /** Wraps the interaction of the agent, which sends users to their auth server. */
  readonly interact?: (usual: Interact) => Interact
}

/** The message that tests send. */
export const lunch: string = JSON.stringify({ to: 'bob@example.org', subject: 'Lunch', text: 'At noon?' })

/** What the user is shown of it. */
export const lunchShown: Visit['operation'] = {
  name: 'send',
  display: ['Send ', 'Lunch', ' to ', 'bob@example.org', ''],
}

/** Starts an agent server, an auth server and a mail server, each with a port of its own. */
export async function mailPlace(options: MailPlaceOptions = {}): Promise<MailPlace> {
  const place = domains()
  const [app, auth, mail] = (await origins(3)) as [string, string, string]
  const redirectUri = `${app}/callback`
  const development = true
  const server = await createAgentServer({ id: app, redirectUris: [redirectUri], development })
  const kept = { visits: [] as Visit[], sent: [] as string[], came: [] as CameRequest[], told: [] as string[] }
  await Promise.all([
    place.open('agent-server', app, server),
    place.authServer(auth, {
      desk: userDesk({ login: [demoUsers([{ name: 'Ada Lovelace' }])] }),
      policy: askUsers([{ agents: 'any', resources: [mail] }]),
    }),
    openMail(place, { auth, mail, ...kept }),
  ])
  const usual = callbackRoute({
    redirectUri,
    visit: async (url, visit) => {
      kept.visits.push(visit)
      const buttons = visit.operation === undefined ? ['Allow'] : made.answers
      await browserOf(agent, redirectUri).follow(url, ['Ada Lovelace', ...buttons])
    },
  })
  const agent: Agent = createAgent({
    identity: agentServer({ id: app, key: server.signingKey }),
    acceptAuthServer: [auth],
    identifyTo: [mail],
    development,
    interact: options.interact?.(usual) ?? usual,
    onEvent: ({ detail }) => kept.told.push(detail),
    async fetch(input, init) {
      const ran = kept.sent.length
      const response = await fetch(input, init)
      if (made.cuts && kept.sent.length > ran) throw new TypeError('the connection was cut')
      return response
    },
  })
  const made: MailPlace = {
    app,
    auth,
    mail,
    server,
    agent,
    ...kept,
    answers: ['Approve once'],
    cuts: false,
    close: () => place.close(),
  }
  return made
}

/** Sends a message through an agent. */
export function sendMail(
  { agent, mail }: Pick<MailPlace, 'agent' | 'mail'>,
  body: string,
  path = '/messages',
): Promise<Response> {
  const headers = { 'content-type': 'application/json' }
  return agent.fetch(`${mail}${path}`, { method: 'POST', body, headers })
}

async function openMail(
  place: ReturnType<typeof domains>,
  { auth, mail, sent, came }: Pick<MailPlace, 'auth' | 'mail' | 'sent' | 'came'>,
): Promise<void> {
  const resource = createResource({
    id: mail,
    authServers: [auth],
    scopes: { 'mail.send': 'Send mail' },
    operations: { send: 'Send a message' },
    keys: [{ kid: 'r1', key: await generateSigningKey() }],
    development: true,
  })
  const requirement = resource.declare({
    scope: 'mail.send',
    operation: 'send',
    approve: true,
    unshown: ['body/text', 'query/draft'],
    describe: request => {
      const { to, subject } = request.json() as Record<string, string>
      return display`Send ${String(subject)} to ${String(to)}`
    },
  })
  await place.open('resource', mail, {
    async handle(message) {
      const published = await resource.handle(message)
      if (published !== undefined) return published
      came.push({ body: textOf((await readBody(message)).body), ...authTokenOf(message.headers) })
      const authorization = await resource.authorize(message, requirement)
      if (!authorization.ok) return authorization.response
      sent.push(textOf(authorization.message.body))
      return Response.json({ sent: sent.length })
    },
    ready: async () => undefined,
    close: async () => undefined,
  })
}

const textOf = (body: Uint8Array | undefined): string => new TextDecoder().decode(body)

function authTokenOf(headers: ReadonlyArray<readonly [string, string]>): Omit<CameRequest, 'body'> {
  const key = headers.find(([name]) => name.toLowerCase() === 'signature-key')?.[1] ?? ''
  const jwt = /jwt="([^"]+)"/.exec(key)?.[1] ?? ''
  const payload = jwt.split('.')[1]
  return { jwt, token: payload === undefined ? {} : JSON.parse(Buffer.from(payload, 'base64url').toString()) }
}

/** A user at the pages of their account. */
export interface AccountUser {
  /** Opens a page and presses buttons, signed in. Returns the last page, in HTML. */
  open(path: string, buttons?: readonly string[]): Promise<string>
}

/** Ada, signed in at an auth server. */
export async function accountOf(auth: string): Promise<AccountUser> {
  let html = ''
  const user: ScriptedUser = scriptedUser('', async (input, init) => {
    const response = await fetch(input, init)
    html = await response.clone().text()
    return response
  })
  await user.follow(`${auth}/account`, ['Ada Lovelace'])
  return {
    async open(path, buttons = []) {
      await user.follow(`${auth}${path}`, buttons)
      return html
    },
  }
}

/** Paths of the open questions that stand on the approvals page. */
export function questionsOn(html: string): string[] {
  return [...html.matchAll(/href="(\/account\/approval\?question=[^"]+)"/g)].map(([, path = '']) => path)
}
