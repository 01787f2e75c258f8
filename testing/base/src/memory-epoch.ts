/** The mark that a server keeps outside its database. */
export interface EpochMark {
  readonly database: string
  readonly epoch: number
}

/** An epoch that is kept in memory in place of a file. */
export function memoryEpoch(): { read(): Promise<EpochMark | undefined>; write(next: EpochMark): Promise<void> } {
  let mark: EpochMark | undefined
  return {
    read: async () => mark,
    async write(next) {
      mark = next
    },
  }
}
