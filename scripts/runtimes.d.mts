export function installRuntimes():
  | { readonly bun: string; readonly deno: string; readonly workerd: string }
  | { readonly missing: string }
