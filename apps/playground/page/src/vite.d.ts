declare module '*.css'

/** Made by paste-examples.mjs. */
declare module 'virtual:paste-examples' {
  export const examples: ReadonlyArray<{
    readonly title: string
    readonly text: string
    readonly time: number
    readonly keys: string
  }>
}
