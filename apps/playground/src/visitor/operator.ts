import type { ListedBlock, ListedDelegate, ListedGrant, OperatorAct, OperatorState, RunCommand } from './contract.js'
import { type OperatorCommand, objectsIn, runCommand } from './operator-commands.js'
import type { VisitorParts } from './parts.js'

/** Commands that are remembered. */
const mostCommands = 20
/** Entries of each list that are shown. */
const mostListed = 30
/** Milliseconds between two readings of the lists. */
const pause = 1500
/** Milliseconds for which the whole agent stays blocked: the stories need it. */
const agentBlockedFor = 120_000

/** The operator of the agent server and of the auth server. Everything is done by their commands. */
export interface Operator {
  state(): OperatorState
  /** Reads the lists anew, soon. */
  refresh(): void
  /** Does something to a delegate or a grant that is on the lists. False when it is not, or while another command runs. */
  act(act: OperatorAct, on: string): Promise<boolean>
  /** Makes a code for a new delegate. @throws Error with what the command has printed */
  invite(label: string): Promise<Invitation>
}

/** What `agent-server invite` prints. */
export interface Invitation {
  readonly code: string
  readonly sub: string
  readonly expires: number
}

interface Context {
  readonly parts: VisitorParts
  readonly onDone: (act: OperatorAct, on: string) => void
  state: OperatorState
  /** Whether the lists are to be read, are being read, or have to be read once more after that. */
  reading: 'no' | 'soon' | 'now' | 'again'
  count: number
}

const first: OperatorState = { delegates: [], grants: [], blocks: [], commands: [], isBusy: false }

/** @param onDone called after each act that succeeded */
export function operator(parts: VisitorParts, onDone: Context['onDone']): Operator {
  const context: Context = { parts, onDone, state: first, reading: 'no', count: 0 }
  return {
    state: () => context.state,
    refresh: () => readSoon(context),
    act: (act, on) => perform(context, act, on),
    async invite(label) {
      const printed = await run(context, { server: 'agent-server', words: ['invite'], flags: ['--label', label] })
      const [invitation] = objectsIn<Invitation>(printed)
      if (invitation === undefined) throw new Error(printed.stderr)
      return invitation
    },
  }
}

async function perform(context: Context, act: OperatorAct, on: string): Promise<boolean> {
  const { parts, state } = context
  if (state.isBusy || !isListed(act, on, state)) return false
  const command = commandOf(act, on, parts.participants.addresses.agentServer)
  const { code } = await run(context, command)
  if (code !== 0) return true
  context.onDone(act, on)
  change(context, effectOf(act, on, context))
  if (act === 'block-agent') unblockLater(context, on)
  return true
}

/** What the lists will say once they are read again. */
function effectOf(act: OperatorAct, on: string, { state, parts }: Context): Partial<OperatorState> {
  const { agentServer: agent } = parts.participants.addresses
  const { blocks, grants, delegates } = state
  const delegate = act.endsWith('-agent') ? undefined : on
  switch (act) {
    case 'block-agent':
    case 'block-delegate':
      return { blocks: [{ agent, delegate }, ...blocks] }
    case 'unblock-agent':
    case 'unblock-delegate':
      return { blocks: blocks.filter(block => block.agent !== agent || block.delegate !== delegate) }
    case 'revoke-grant':
      return { grants: grants.filter(({ grant }) => grant !== on) }
    case 'revoke-delegate':
      return {
        delegates: delegates.map(one => (one.sub === on ? { ...one, revoked: parts.now() / 1000 } : one)),
      }
  }
}

function unblockLater(context: Context, agent: string): void {
  const isBlocked = (): boolean => context.state.blocks.some(block => block.delegate === undefined)
  setTimeout(() => {
    if (isBlocked()) void perform(context, 'unblock-agent', agent)
  }, agentBlockedFor).unref()
}

/** Only what the lists show can be acted on. */
function isListed(act: OperatorAct, on: string, { delegates, grants, blocks }: OperatorState): boolean {
  if (act === 'block-agent' || act === 'unblock-agent') return true
  if (act === 'revoke-grant') return grants.some(({ grant }) => grant === on)
  return delegates.some(({ sub }) => sub === on) || blocks.some(({ delegate }) => delegate === on)
}

function commandOf(act: OperatorAct, on: string, agent: string): OperatorCommand {
  const delegate = ['--agent', agent, '--delegate', on]
  switch (act) {
    case 'block-delegate':
      return { server: 'auth-server', words: ['agents', 'block'], flags: delegate }
    case 'unblock-delegate':
      return { server: 'auth-server', words: ['agents', 'unblock'], flags: delegate }
    case 'block-agent':
      return { server: 'auth-server', words: ['agents', 'block'], flags: ['--agent', agent] }
    case 'unblock-agent':
      return { server: 'auth-server', words: ['agents', 'unblock'], flags: ['--agent', agent] }
    case 'revoke-grant':
      return { server: 'auth-server', words: ['grants', 'revoke'], flags: ['--grant', on] }
    case 'revoke-delegate':
      return { server: 'agent-server', words: ['delegates', 'revoke'], flags: ['--sub', on] }
  }
}

/** Runs a command that changes something, tells what it printed, and has the lists read again. */
async function run(context: Context, command: OperatorCommand): ReturnType<typeof runCommand> {
  change(context, { isBusy: true })
  const printed = await runCommand(context.parts.participants, command)
  const { line, stdout, stderr, code } = printed
  // Code and log lines are left out: a code is for who asked for it, and the log says the same again.
  const output = command.words[0] === 'invite' ? withoutCode(stdout) : stdout
  const told = code === 0 ? output : `${output}${stderr}`
  const done: RunCommand = { id: ++context.count, line, output: told.trim(), ok: code === 0 }
  change(context, { isBusy: false, commands: [done, ...context.state.commands].slice(0, mostCommands) })
  readSoon(context)
  return printed
}

function withoutCode(stdout: string): string {
  return stdout.replace(/"code":"[^"]*"/, '"code":"…"')
}

function change(context: Context, next: Partial<OperatorState>): void {
  context.state = { ...context.state, ...next }
  context.parts.tell({ operator: context.state })
}

function readSoon(context: Context): void {
  if (context.reading === 'now') context.reading = 'again'
  if (context.reading !== 'no') return
  context.reading = 'soon'
  setTimeout(() => void read(context), 100).unref()
}

async function read(context: Context): Promise<void> {
  context.reading = 'now'
  const { participants } = context.parts
  const list = (server: OperatorCommand['server'], ...words: string[]) => {
    const blocked = words[0] === 'agents' ? ['--blocked'] : []
    return runCommand(participants, { server, words, flags: [...blocked, '--limit', '1000', '--json'] })
  }
  const [delegates, grants, blocks] = await Promise.all([
    list('agent-server', 'delegates', 'list'),
    list('auth-server', 'grants', 'list'),
    list('auth-server', 'agents', 'list'),
  ])
  const latest = <T>(entries: T[], time: (entry: T) => number): T[] =>
    entries.sort((a, b) => time(b) - time(a)).slice(0, mostListed)
  change(context, {
    delegates: latest(objectsIn<ListedDelegate>(delegates), ({ last_seen, revoked = 0 }) =>
      Math.max(last_seen, revoked),
    ),
    grants: latest(objectsIn<ListedGrant>(grants), ({ last_used = 0 }) => last_used),
    blocks: objectsIn<ListedBlock>(blocks).slice(0, mostListed),
  })
  await new Promise(resolve => setTimeout(resolve, pause).unref())
  const isStale = (context.reading as Context['reading']) === 'again'
  context.reading = 'no'
  if (isStale) readSoon(context)
}
