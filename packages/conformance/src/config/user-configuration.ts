import { ConfigurationError } from './configuration-error.js'
import { type Members, readInteger, readMembers, readText, readTexts } from './members.js'

interface AnyUser {
  /** Milliseconds for one visit. */
  readonly deadline: number
  /** The path of the page on which users turn their inbox on, and find what waits in it. */
  readonly inbox?: string | undefined
}

/** A user who acts by a program: `{url}`, `{decision}`, `{code}` and `{user}` stand for what it is to do. */
export interface CommandUser extends AnyUser {
  readonly by: 'command'
  readonly command: readonly string[]
}

/** A user of a test server, which decides when a URL is fetched. */
export interface TemplateUser extends AnyUser {
  readonly by: 'template'
  readonly template: string
}

/** A user in a headless Chromium, who presses buttons by their names. */
export interface ChromiumUser extends AnyUser {
  readonly by: 'chromium'
  /** The program. */
  readonly chromium: string
  readonly arguments: readonly string[]
  /** The names of the buttons and links that sign the user in, one after the other. */
  readonly signIn: readonly string[]
  /** Those that sign another user in. */
  readonly signInOther?: readonly string[] | undefined
  /** The names of the buttons that allow, by the page that has one. */
  readonly allow: readonly string[]
  readonly refuse: readonly string[]
  /** The name of the button beside the field that takes a device's code. */
  readonly enter?: string | undefined
  /** The names of the buttons that turn the inbox on. */
  readonly turnOn?: readonly string[] | undefined
  /** The name of the button or link that opens a question of the inbox. */
  readonly question?: string | undefined
}

/** How users of an auth server act. */
export type UserConfiguration = CommandUser | TemplateUser | ChromiumUser

const kinds = ['command', 'template', 'chromium'] as const
const chromiumMembers = ['arguments', 'signIn', 'signInOther', 'allow', 'refuse', 'enter', 'turnOn', 'question']

/** Reads how a user acts. @throws ConfigurationError */
export function readUserConfiguration(value: unknown): UserConfiguration | undefined {
  if (value === undefined) return undefined
  const members = readMembers('user', value, [...kinds, ...chromiumMembers, 'inbox', 'deadline'])
  const given = kinds.filter(kind => members[kind] !== undefined)
  const [kind] = given
  if (kind === undefined || given.length > 1)
    throw new ConfigurationError(`user must have exactly one of ${kinds.join(', ')}`)
  const deadline = readInteger('user.deadline', members['deadline'], { least: 1000, most: 120_000 }) ?? 30_000
  const more = { deadline, ...inboxOf(members, kind) }
  if (kind === 'chromium') return chromiumUser(members, more)
  for (const name of chromiumMembers)
    if (members[name] !== undefined) throw new ConfigurationError(`user.${name} is for chromium, and not for ${kind}`)
  return kind === 'command' ? commandUser(members, more) : templateUser(members, more)
}

/** Where the inbox is; without it its cases are not applicable. */
function inboxOf(members: Members, kind: (typeof kinds)[number]): Pick<AnyUser, 'inbox'> {
  const inbox = readText('user.inbox', members['inbox'])
  if (inbox === undefined) return {}
  if (!/^\/(?!\/)/.test(inbox)) throw new ConfigurationError('user.inbox must be a path, such as /account/inbox')
  if (kind !== 'chromium' && !JSON.stringify(members[kind]).includes('{task}'))
    throw new ConfigurationError(`user.inbox needs {task} in user.${kind}, which says what the user does there`)
  if (kind === 'chromium' && (members['turnOn'] === undefined || members['question'] === undefined))
    throw new ConfigurationError('user.inbox needs user.turnOn and user.question')
  return { inbox }
}

function commandUser(members: Members, more: AnyUser): CommandUser {
  const command = words('user.command', members['command'])
  checkPlaceholders('user.command', command.join(' '))
  return { by: 'command', command, ...more }
}

function templateUser(members: Members, more: AnyUser): TemplateUser {
  const template = readText('user.template', members['template']) ?? ''
  checkPlaceholders('user.template', template)
  const filled = template.replace(/\{[a-z]+\}/g, 'x')
  if (!/^https?:\/\//.test(template) || !URL.canParse(filled))
    throw new ConfigurationError('user.template must be an http or https URL')
  return { by: 'template', template, ...more }
}

function chromiumUser(members: Members, more: AnyUser): ChromiumUser {
  return {
    by: 'chromium',
    chromium: readText('user.chromium', members['chromium']) ?? '',
    arguments: readTexts('user.arguments', members['arguments']) ?? [],
    signIn: readTexts('user.signIn', members['signIn']) ?? [],
    signInOther: readTexts('user.signInOther', members['signInOther']),
    allow: words('user.allow', members['allow']),
    refuse: words('user.refuse', members['refuse']),
    enter: readText('user.enter', members['enter']),
    turnOn: readTexts('user.turnOn', members['turnOn']),
    question: readText('user.question', members['question']),
    ...more,
  }
}

function words(place: string, value: unknown): readonly string[] {
  const read = readTexts(place, value) ?? []
  if (read.length === 0) throw new ConfigurationError(`${place} must be a list of at least one text`)
  return read
}

function checkPlaceholders(place: string, text: string): void {
  for (const name of ['{url}', '{decision}'])
    if (!text.includes(name)) throw new ConfigurationError(`${place} must have ${name}`)
}
