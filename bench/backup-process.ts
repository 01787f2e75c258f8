import { constants, setPriority } from 'node:os'
import { backupDatabase } from '@countersign/store/internal'

/** What the bench tells this process: as `countersign auth-server backup`, in a process of its own. */
export interface BackupOrder {
  readonly url: string
  readonly to: string
}

process.once('message', async (order: BackupOrder) => {
  setPriority(constants.priority.PRIORITY_LOW)
  const began = performance.now()
  const { bytes } = await backupDatabase(order)
  process.send?.({ bytes, seconds: (performance.now() - began) / 1000 })
  process.disconnect()
})
