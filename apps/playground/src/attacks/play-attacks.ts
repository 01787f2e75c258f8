import { startParticipants } from '../participants.js'
import type { AttackResult, Scoreboard } from './contract.js'
import { allHeld, createAttacks } from './scoreboard.js'

/** Options of {@link playAttacks}. */
export interface PlayAttacksOptions {
  readonly base: number
  /** The file of the `countersign` command. */
  readonly countersign: string
  /** Writes one JSON object, the scoreboard with every request and response, instead of readable lines. */
  readonly json: boolean
  readonly write: (line: string) => void
}

/** Starts the participants, makes every attack, prints the scoreboard, and stops the participants. True if every attack has held. */
export async function playAttacks({ base, countersign, json, write }: PlayAttacksOptions): Promise<boolean> {
  const participants = await startParticipants({ base, countersign, onReady: json ? () => undefined : write })
  try {
    const board = await createAttacks({
      participants,
      alone: work => work(),
      onChange: (_, result) => {
        if (result !== undefined && !json) for (const line of linesOf(result)) write(line)
      },
    }).makeAll()
    write(json ? JSON.stringify(board, null, 2) : `\n${countOf(board)}`)
    return allHeld(board)
  } finally {
    await participants.stop()
  }
}

function linesOf({ title, tries, rule, verdict, twin, attacked, refusal, note, took }: AttackResult): string[] {
  const about = `${verdict === 'held' ? '✓' : '✗'} ${title.padEnd(40)}`
  if (twin === undefined || attacked === undefined) return [`${about} ${verdict}: ${note}`]
  const statuses = `${twin.response.status} → ${attacked.response.status}`
  const why = refusal === undefined ? 'no refusal' : `${refusal.reason} (${rule})`
  const line = `${about} ${statuses}  ${why.padEnd(56)} ${String(took).padStart(5)} ms`
  return verdict === 'held' ? [line] : [line, `  ${verdict}: ${tries}`]
}

function countOf({ attacks, results }: Scoreboard): string {
  const held = results.filter(({ verdict }) => verdict === 'held').length
  return `${held} of ${attacks.length} attacks were refused, each beside an unmodified twin that passed.`
}
