const root = document.getElementById('root')!;
/** The path of the console. Empty if it is the root. */
export const BASE = root.dataset['base'] ?? '/console';
/** The host and port that the SDK may call besides this one. */
export const AUTH_HOST = root.dataset['authHost'] ?? location.host;
export { root };
