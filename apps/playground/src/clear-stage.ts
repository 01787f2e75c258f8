import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { openOperator } from '@countersign/console'
import { behindTheScenes } from './behind-the-scenes.js'
import type { Participants } from './participants.js'
import { demoUsers, roomsDemoUsers } from './playground-policy.js'
import { scriptedUser } from './story-user.js'

/** Milliseconds after which a running auth server has read its blocks again. */
const blocksRead = 5500
/** Milliseconds without a message after which the resources know of the grants that have ended. */
const silence = 120

/**
 * Lets what follows begin as if nothing had happened before. Visitors, attacks and earlier stories use the same auth servers: this
 * unblocks the agents and users that were blocked there, and deletes the accounts of the demo users, with all that they have allowed,
 * refused or linked. Accounts with a passkey stay.
 */
export async function clearStage(participants: Participants): Promise<void> {
  const { addresses, folder } = participants
  const places = [
    { issuer: addresses.authServer, database: join(folder, 'auth-server/auth-server.db'), users: demoUsers },
    {
      issuer: addresses.roomsAuthServer,
      database: join(folder, 'rooms-auth-server/auth-server.db'),
      users: roomsDemoUsers,
    },
  ]
  const unblocked = await Promise.all(places.map(unblockAll))
  if (unblocked.some(count => count > 0)) await sleep(blocksRead)
  let heard = 0
  const stop = participants.listen(() => heard++)
  try {
    await Promise.all(places.flatMap(({ issuer, users }) => users.map(({ name }) => deleteAccount(issuer, name))))
    for (let before = -1; before !== heard; await sleep(silence)) before = heard
  } finally {
    stop()
  }
}

/** Unblocks agents and users, and resolves with how many were blocked. Delegates stay blocked: each story has new ones. */
async function unblockAll(place: { readonly issuer: string; readonly database: string }): Promise<number> {
  const { issuer, database } = place
  const { agents, users, close } = await openOperator({ issuer, database: `sqlite:${database}`, development: true })
  try {
    const blocks = (await agents.blocks()).filter(({ delegate }) => delegate === undefined)
    for (const { agent, site = '' } of blocks) await agents.unblock(agent === undefined ? { site } : { agent })
    const { items } = await users.list({ blocked: true })
    for (const { sub } of items) await users.unblock(sub)
    return blocks.length + items.length
  } finally {
    await close()
  }
}

/** Deletes the account of a demo user, as the user does it. */
function deleteAccount(authServer: string, name: string): Promise<void> {
  const unseen: typeof fetch = (url, init) =>
    fetch(url, { ...init, headers: { ...(init?.headers as Record<string, string>), 'user-agent': behindTheScenes } })
  return scriptedUser(name, unseen).deleteAccount(authServer)
}
