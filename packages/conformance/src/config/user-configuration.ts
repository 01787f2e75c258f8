import { ConfigurationError } from './configuration-error.js'
import { type Members, readInteger, readMembers, readText, readTexts } from './members.js'

interface AnyUser {
  /** Milliseconds for one visit. */
  readonly deadline: number
  /** The path of the page on which users turn their inbox on, and find what waits in it. */
  readonly inbox?: string | undefined
  /** The path of the page that lists what a user has allowed. */
  readonly account?: string | undefined
  /** The path of the page that lists the calls that a user has approved. */
  readonly history?: string | undefined
}

/** A user who is told what to do. */
interface ToldUser extends AnyUser {
  /** Whether it can be told to stop all questions of an agent: `{decision}` is `stop` then. */
  readonly stops?: boolean | undefined
  /** Whether it can be told to take one of two scopes back, at `account`. */
  readonly narrows?: boolean | undefined
}

/** A user who acts by a program: `{url}`, `{decision}`, `{code}` and `{user}` stand for what it is to do. */
export interface CommandUser extends ToldUser {
  readonly by: 'command'
  readonly command: readonly string[]
}

/** A user of a test server, which decides when a URL is fetched. */
export interface TemplateUser extends ToldUser {
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
  /** The names of the buttons that refuse a call, and end all questions of its agent. */
  readonly stop?: readonly string[] | undefined
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
const skills = ['stops', 'narrows'] as const
const pageMembers = ['inbox', 'account', 'history'] as const
const chromiumMembers = ['arguments', 'signIn', 'signInOther', 'allow', 'refuse', 'stop', 'enter', 'turnOn', 'question']

/** Reads how a user acts. @throws ConfigurationError */
export function readUserConfiguration(value: unknown): UserConfiguration | undefined {
  if (value === undefined) return undefined
  const members = readMembers('user', value, [...kinds, ...chromiumMembers, ...pageMembers, ...skills, 'deadline'])
  const given = kinds.filter(kind => members[kind] !== undefined)
  const [kind] = given
  if (kind === undefined || given.length > 1)
    throw new ConfigurationError(`user must have exactly one of ${kinds.join(', ')}`)
  const foreign = skills.find(name => kind === 'chromium' && members[name] !== undefined)
  if (foreign !== undefined) throw new ConfigurationError(`user.${foreign} is not for chromium`)
  const deadline = readInteger('user.deadline', members['deadline'], { least: 1000, most: 120_000 }) ?? 30_000
  const more = { deadline, ...pagesOf(members, kind) }
  if (kind === 'chromium') return chromiumUser(members, more)
  for (const name of chromiumMembers)
    if (members[name] !== undefined) throw new ConfigurationError(`user.${name} is for chromium, and not for ${kind}`)
  const told = { ...more, ...skillsOf(members) }
  return kind === 'command' ? commandUser(members, told) : templateUser(members, told)
}

/** Where the pages of an account are; without them their cases are not applicable. */
function pagesOf(members: Members, kind: (typeof kinds)[number]): Pick<AnyUser, (typeof pageMembers)[number]> {
  const given = pageMembers.flatMap(name => {
    const path = readText(`user.${name}`, members[name])
    return path === undefined ? [] : [[name, path] as const]
  })
  for (const [name, path] of given) {
    if (!/^\/(?!\/)/.test(path)) throw new ConfigurationError(`user.${name} must be a path, such as /account/${name}`)
    if (kind !== 'chromium' && !JSON.stringify(members[kind]).includes('{task}'))
      throw new ConfigurationError(`user.${name} needs {task} in user.${kind}, which says what the user does there`)
    if (name === 'inbox' && kind === 'chromium' && !['turnOn', 'question'].every(one => members[one] !== undefined))
      throw new ConfigurationError('user.inbox needs user.turnOn and user.question')
  }
  return Object.fromEntries(given)
}

function skillsOf(members: Members): Pick<ToldUser, (typeof skills)[number]> {
  const given = skills.filter(name => members[name] !== undefined)
  for (const name of given)
    if (typeof members[name] !== 'boolean') throw new ConfigurationError(`user.${name} must be true or false`)
  if (members['narrows'] === true && members['account'] === undefined)
    throw new ConfigurationError('user.narrows needs user.account')
  return Object.fromEntries(given.map(name => [name, members[name]]))
}

function commandUser(members: Members, more: ToldUser): CommandUser {
  const command = words('user.command', members['command'])
  checkPlaceholders('user.command', command.join(' '))
  return { by: 'command', command, ...more }
}

function templateUser(members: Members, more: ToldUser): TemplateUser {
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
    stop: readTexts('user.stop', members['stop']),
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
