import type { Participants } from '../participants.js'
import { type OAuthClient, oauthClient } from './oauth-client.js'
import { type OAuthFiles, oauthFiles } from './oauth-world.js'

/** Both worlds, as a column uses them. */
export interface Worlds {
  readonly participants: Participants
  readonly client: OAuthClient
  readonly files: OAuthFiles
}

export function worldsOf(participants: Participants): Worlds {
  const files = oauthFiles(participants.folder)
  return { participants, files, client: oauthClient(participants.addresses, files) }
}
