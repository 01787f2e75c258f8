import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { type SigningKey, thumbprint } from '@countersign/httpsig'
import { keysFile } from '@countersign/server'
import type { Participants } from '../participants.js'

/** A published key, and whose it is. */
export interface OwnedKey {
  readonly id: string
  readonly kid: string
  readonly key: SigningKey
}

/** The keys of the participants, which are files of this machine. */
export interface ParticipantKeys {
  /** The key that an identifier publishes under a kid. */
  published(id: string, kid: string): Promise<SigningKey | undefined>
  /** The published key with this thumbprint, of any participant. */
  withThumbprint(jkt: string): Promise<OwnedKey | undefined>
}

export function participantKeys({ folder, addresses }: Participants): ParticipantKeys {
  const { agentServer, authServer, roomsAuthServer, calendar, rooms, tools, webApp } = addresses
  const files: ReadonlyArray<readonly [id: string, file: string]> = [
    [agentServer, 'agent-server/keys.json'],
    [authServer, 'auth-server/keys.json'],
    [roomsAuthServer, 'rooms-auth-server/keys.json'],
    [webApp, 'web-app/keys.json'],
    [calendar, 'calendar-keys.json'],
    [rooms, 'rooms-keys.json'],
    [tools, 'tools-keys.json'],
  ]
  // Read at each use: keys are replaced while the playground runs.
  const all = async (): Promise<OwnedKey[]> => {
    const there = files.map(([id, file]) => [id, join(folder, file)] as const).filter(([, path]) => existsSync(path))
    const lists = await Promise.all(
      there.map(async ([id, path]) => (await keysFile(path, { missing: 'refuse' })).map(key => ({ id, ...key }))),
    )
    return lists.flat()
  }
  return {
    published: async (id, kid) => (await all()).find(one => one.id === id && one.kid === kid)?.key,
    async withThumbprint(jkt) {
      for (const owned of await all()) if ((await thumbprint(owned.key.publicJwk)) === jkt) return owned
      return undefined
    },
  }
}
