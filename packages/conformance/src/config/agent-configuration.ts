import type { Place } from '../participants/participant.js'
import { ConfigurationError } from './configuration-error.js'
import { readInteger, readMembers, readText, readTexts } from './members.js'
import { loopbackSecret } from './place.js'

/** What an agent under test can do. A command is a program and its arguments; `{url}` among them is the URL to call, else it is added. */
export interface AgentConfiguration {
  /** A GET. */
  readonly command: readonly string[]
  /** A POST with the JSON body `{}`; absent where the agent has none. */
  readonly post?: readonly string[] | undefined
  /** A GET for which a user may be asked: it prints the link for the user, and waits. */
  readonly interactive?: readonly string[] | undefined
  /** A GET for which a user may be asked by a code: it prints the address and the code, and waits. */
  readonly device?: readonly string[] | undefined
  /** A POST with the JSON body `{}` that a user may be asked to approve: it prints the link, and waits. */
  readonly approve?: readonly string[] | undefined
  /** A GET of an agent that may not say who it is. */
  readonly unidentified?: readonly string[] | undefined
  /** A GET for another user of the same agent. */
  readonly otherUser?: readonly string[] | undefined
  /** Identifier of the agent, or of its agent server; absent where it says nowhere who it is. */
  readonly identity?: string | undefined
  /** A folder that the suite serves under the identifier of the agent. */
  readonly site?: string | undefined
  /** Where the suite's auth server and the one that the agent must not accept are. */
  readonly participants: Readonly<Record<keyof typeof agentPorts, Place>>
  /** Milliseconds that one call may take. */
  readonly deadline: number
}

/** The participants that the suite plays for an agent, and their default ports. */
export const agentPorts = { authServer: 4720, otherAuthServer: 4721 } as const

const commands = ['post', 'interactive', 'device', 'approve', 'unidentified', 'otherUser'] as const
const known = [...commands, 'identity', 'site', 'participants', 'deadline']

/** Reads the configuration of an agent. @throws ConfigurationError */
export function readAgentConfiguration(value: unknown, command: readonly string[]): AgentConfiguration {
  const read = readMembers('the configuration', value, known)
  if (command.length === 0) throw new ConfigurationError('the command of the agent must stand after --')
  const given = readMembers('participants', read['participants'] ?? {}, Object.keys(agentPorts))
  const place = (name: keyof typeof agentPorts): Place => {
    const { port } = readMembers(`participants.${name}`, given[name] ?? {}, ['port'])
    const number = readInteger(`participants.${name}.port`, port, { least: 0, most: 65_535 })
    return { secret: loopbackSecret, option: `participants.${name}.port`, port: number ?? agentPorts[name] }
  }
  const identity = readIdentity(read['identity'])
  const site = readText('site', read['site'])
  if (site !== undefined && !/^http:\/\/localhost:\d+$/.test(identity ?? ''))
    throw new ConfigurationError('site needs an identity like http://localhost:4790, under which the suite serves it')
  return {
    command,
    ...Object.fromEntries(commands.map(name => [name, readCommand(name, read[name])])),
    identity,
    site,
    participants: { authServer: place('authServer'), otherAuthServer: place('otherAuthServer') },
    deadline: readInteger('deadline', read['deadline'], { least: 1000, most: 120_000 }) ?? 30_000,
  }
}

function readCommand(name: string, value: unknown): readonly string[] | undefined {
  const words = readTexts(name, value)
  if (words?.length === 0) throw new ConfigurationError(`${name} must name a program`)
  return words
}

function readIdentity(value: unknown): string | undefined {
  const text = readText('identity', value)
  if (text === undefined || (URL.canParse(text) && new URL(text).origin === text)) return text
  throw new ConfigurationError('identity must be an origin, without a path or a slash at its end')
}
