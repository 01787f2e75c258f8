import { serve } from '@countersign/server'
import { honoParticipant } from './hono-participant.js'
import { playgroundPage } from './page.js'
import { startParticipants } from './participants.js'

/** Options of {@link startPlayground}. */
export interface PlaygroundOptions {
  /** The page's port; the participants follow at +10 to +60. */
  readonly base: number
  /** The file of the `countersign` command. */
  readonly countersign: string
  readonly write?: (line: string) => void
}

/** Starts the participants and the page; ends with the process. */
export async function startPlayground(options: PlaygroundOptions): Promise<void> {
  const { base, countersign, write = line => console.log(line) } = options
  const participants = await startParticipants({ base, countersign, onReady: write })
  const { page } = participants.addresses
  await serve({
    name: 'playground',
    id: page,
    port: base,
    development: true,
    level: 'warn',
    participant: { ...honoParticipant(page, playgroundPage(participants)), close: () => participants.stop() },
  })
}
