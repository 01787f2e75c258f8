/**
 * Makes a reader that has read enough, such as `head`, end this process as it ends others: without a word, with the exit code of
 * SIGPIPE. A command that listens for the end of its output itself decides alone. For programs only: it changes the whole process.
 */
export function endWithReader(): void {
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (process.stdout.listenerCount('error') > 1) return
    if (error.code === 'EPIPE') process.exit(128 + 13)
    throw error
  })
}
