/** The files of an export, beside the tiles and entry bundles below `tile/`. */
export const exportFiles = {
  /** The newest checkpoint. */
  checkpoint: 'checkpoint',
  /** All checkpoints that are kept, a JSON line each: `{ size, time, note }`, in the order of their size. */
  checkpoints: 'checkpoints.jsonl',
  /** Events, a JSON line each: `index`, and the members of the record. */
  events: 'events.jsonl',
} as const
