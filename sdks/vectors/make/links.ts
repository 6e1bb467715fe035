/** Links, destinations, domains and JSON texts: what the grammars accept. */
const PATH = '/v1/tenants/T/realms/R/identities/I/credential-binding-jobs/J';
const API = 'https://auth.example';
const QUERY = 'api_base_url=https%3A%2F%2Fauth.example&tenant_id=T&realm_id=R&identity_id=I&job_id=J&token=X';
const JOB = { apiBaseUrl: API, tenantId: 'T', realmId: 'R', identityId: 'I', jobId: 'J', token: 'X' };

type Kind = 'api' | 'app' | 'authenticate' | 'none';
const link = (name: string, url: string, kind: Kind, job: object = {}) => ({
  name,
  url,
  kind,
  ...(kind === 'api' || kind === 'app' ? { job: { ...JOB, ...job } } : {}),
});
const api = (path: string, origin = API) => `${origin}${path}:invokeAuthenticator?token=X`;
const app = (change: (query: string) => string, before = 'https://app.example/bind?') => before + change(QUERY);
const same = (query: string) => query;

export const links = [
  link('the API form', api(PATH), 'api'),
  link('the API form on a port', api(PATH, 'http://localhost:8021'), 'api', { apiBaseUrl: 'http://localhost:8021' }),
  link('the API form with an app scheme', api(PATH, 'acme://host'), 'api', { apiBaseUrl: 'acme://host' }),
  link('the API form in capitals of scheme and host', api(PATH, 'HTTPS://Auth.EXAMPLE'), 'api'),
  link('the API form with the usual port', api(PATH, 'https://auth.example:443'), 'api'),
  link('the API form with a port that begins with zero', api(PATH, 'https://auth.example:0443'), 'api'),
  link('the API form with more in its query', `${API}${PATH}:invokeAuthenticator?lang=de&token=X&x`, 'api'),
  link('the API form with a fragment', `${api(PATH)}#top`, 'api'),
  link('the API form with an address of numbers', api(PATH, 'https://127.0.0.1:1'), 'api', { apiBaseUrl: 'https://127.0.0.1:1' }),
  link('the API form with an address of version 6', api(PATH, 'https://[::1]:1'), 'api', { apiBaseUrl: 'https://[::1]:1' }),
  link('the API form with an escaped colon', `${API}${PATH}%3AinvokeAuthenticator?token=X`, 'none'),
  link('the API form with an escaped id', api(PATH.replace(/J$/, '%4A')), 'none'),
  link('the API form with an id of dots', api(PATH.replace(/J$/, '..')), 'none'),
  link('the API form with an empty id', api(PATH.replace('T', '')), 'none'),
  link('the API form below a path', api(`/prefix${PATH}`), 'none'),
  link('the API form with a slash at its end', `${API}${PATH}:invokeAuthenticator/?token=X`, 'none'),
  link('another verb of the API', `${API}${PATH}:getInfo?token=X`, 'none'),
  link('the API form without token', `${API}${PATH}:invokeAuthenticator`, 'none'),
  link('the API form with an empty token', `${API}${PATH}:invokeAuthenticator?token=`, 'none'),
  link('the API form with two tokens', `${api(PATH)}&token=X`, 'none'),
  link('the API form with a user part', api(PATH, 'https://auth.example@evil.example'), 'none'),
  link('the API form with port 0', api(PATH, 'https://auth.example:0'), 'none'),
  link('the API form with port 65536', api(PATH, 'https://auth.example:65536'), 'none'),
  link('the API form with a port of letters', api(PATH, 'https://auth.example:x'), 'none'),
  link('the API form without host', api(PATH, 'https://'), 'none'),
  link('the API form with a number as its host', api(PATH, 'https://2130706433'), 'none'),
  link('the API form with an octal address', api(PATH, 'https://0177.0.0.1'), 'none'),
  link('the API form with a hexadecimal address', api(PATH, 'https://0x7f.1'), 'none'),
  link('the API form with an empty label', api(PATH, 'https://auth..example'), 'none'),
  link('the API form with an underscore in its host', api(PATH, 'https://auth_1.example'), 'none'),

  link('the app form', app(same), 'app'),
  link('the app form below a path', app(same, 'https://app.example/deep/er/bind?extra=1&') , 'app'),
  link('the app form with a fragment', `${app(same)}#top`, 'app'),
  link('the app form with a slash', app(same, 'https://app.example/bind/?'), 'app'),
  link('the app form as a file', app(same, 'https://app.example/bind.html?'), 'app'),
  link('the app form as a file with a short ending', app(same, 'https://app.example/bind.htm?'), 'app'),
  link('the app form as a folder', app(same, 'https://app.example/deep/bind/index.html?'), 'app'),
  link('the app form in a fragment', app(same, 'https://app.example/#/bind?'), 'app'),
  link('the app form in a fragment after a query', app(same, 'https://app.example/index.html?lang=de#/bind/?'), 'app'),
  link('the app form in a fragment of a deeper route', app(same, 'https://app.example/#!/deep/er/bind?'), 'app'),
  link('the app form in a fragment without slash', app(same, 'https://app.example/#bind?'), 'app'),
  link('an app scheme', app(same, 'acme://bind?'), 'app'),
  link('an app scheme with a slash', app(same, 'acme://bind/?'), 'app'),
  link('an app scheme with three slashes', app(same, 'acme:///bind?'), 'app'),
  link('an app scheme with a host', app(same, 'acme://host/bind?'), 'app'),
  link('an app scheme with digits and dots', app(same, 'com.acme.app-2+x://bind?'), 'app'),
  link('an app scheme in capitals', app(same, 'ACME://bind?'), 'app'),
  link('a route in capitals', app(same, 'ACME://BIND?'), 'none'),
  link('an app scheme with a user part', app(same, 'acme://user@bind?'), 'none'),
  link('an app scheme without slashes', app(same, 'acme:bind?'), 'none'),
  link('a host named after the route', app(same, 'https://bind?'), 'none'),
  link('a host named after the route, and a slash', app(same, 'https://bind/?'), 'none'),
  link('a backslash as a slash', app(same, 'https://app.example\\bind?'), 'none'),
  link('a script with the route at its end', app(same, 'javascript:alert(1)/bind?'), 'none'),
  link('no scheme', app(same, '/bind?'), 'none'),
  link('a scheme that begins with a digit', app(same, '1acme://bind?'), 'none'),
  link('a space before', ` ${app(same)}`, 'none'),
  link('a space after', `${app(same)} `, 'none'),
  link('a line break inside', app((query) => query.replace('&', '&\n')), 'none'),
  link('a letter outside ASCII', app((query) => `${query}&name=ü`), 'none'),
  link('a user part', app(same, 'https://user@app.example/bind?'), 'none'),
  link('an escaped route', app(same, 'https://app.example/%62ind?'), 'none'),
  link('another route', app(same, 'https://app.example/rebind?'), 'none'),
  link('a route below', app(same, 'https://app.example/bind/more?'), 'none'),
  link('another ending', app(same, 'https://app.example/bind.php?'), 'none'),
  link('an ending alone', app(same, 'https://app.example/.html?'), 'none'),
  link('the query before the route in the fragment', `https://app.example/?${QUERY}#/bind`, 'none'),
  link('the query in the fragment of the route', `https://app.example/bind#/?${QUERY}`, 'none'),
  link('two fragment signs', `${app(same, 'https://app.example/#/bind?')}#top`, 'none'),
  link('nothing', '', 'none'),
  link('a word', 'bind', 'none'),
  ...QUERY.split('&').map((left) => link(`without ${left.split('=')[0]}`, app((query) => query.replace(left, '')), 'none')),
  ...QUERY.split('&').map((pair) => link(`${pair.split('=')[0]} twice`, app((query) => `${query}&${pair}`), 'none')),
  ...QUERY.split('&').map((pair) => {
    const name = pair.split('=')[0] ?? '';
    return link(`${name} empty`, app((query) => query.replace(pair, `${name}=`)), 'none');
  }),
  link('an address that is not escaped', app((query) => query.replaceAll('%3A', ':').replaceAll('%2F', '/')), 'app'),
  link('a name with an escape', app((query) => query.replace('api_base', 'api%5Fbase')), 'app'),
  link('a token with a plus sign and an escaped one', app((query) => query.replace('=X', '=a+b%2Bc')), 'app', { token: 'a b+c' }),
  link('a token with an equals sign', app((query) => query.replace('=X', '=a=b')), 'app', { token: 'a=b' }),
  link('a token with a line break', app((query) => query.replace('=X', '=a%0Ab')), 'none'),
  link('a token that ends with a space', app((query) => query.replace('=X', '=a+')), 'none'),
  link('a token outside ASCII', app((query) => query.replace('=X', '=%C3%BC')), 'none'),
  link('an id with a broken escape', app((query) => query.replace('_id=T', '_id=%ZZ')), 'none'),
  link('an escape cut off', app((query) => `${query}&x=%4`), 'none'),
  link('an escape that is not UTF-8', app((query) => `${query}&x=%ff`), 'none'),
  link('an escape of UTF-8 in another parameter', app((query) => `${query}&x=%C3%BC`), 'app'),
  link('an escape of half a surrogate pair', app((query) => `${query}&x=%ED%A0%80`), 'none'),
  link('an id with a slash', app((query) => query.replace('_id=J', '_id=a%2Fb')), 'none'),
  link('an id of dots', app((query) => query.replace('_id=J', '_id=..')), 'none'),
  link('an id of 128 characters', app((query) => query.replace('_id=J', `_id=${'j'.repeat(128)}`)), 'app', { jobId: 'j'.repeat(128) }),
  link('an id of 129 characters', app((query) => query.replace('_id=J', `_id=${'j'.repeat(129)}`)), 'none'),
  link('empty pairs', app((query) => `&&${query}&&`), 'app'),
  link('a link of 16384 characters', app((query) => `${query}&x=`).padEnd(16_384, 'y'), 'app'),
  link('a link of 16385 characters', app((query) => `${query}&x=`).padEnd(16_385, 'y'), 'none'),

  link('a sign-in', 'https://app.example/bi-authenticate?request=a.b.c', 'authenticate'),
  link('a sign-in with more', 'https://app.example/deep/bi-authenticate/?request=a.b.c&more=1', 'authenticate'),
  link('a sign-in by an app scheme', 'acme://bi-authenticate?request=a.b.c', 'authenticate'),
  link('a sign-in in a fragment', 'https://app.example/?lang=de#/bi-authenticate?request=a.b.c', 'authenticate'),
  link('a sign-in without request', 'https://app.example/bi-authenticate', 'none'),
  link('a sign-in with an empty request', 'https://app.example/bi-authenticate?request=', 'none'),
  link('a sign-in with two requests', 'https://app.example/bi-authenticate?request=a.b.c&request=a.b.c', 'none'),
  link('a request on another route', 'https://app.example/not-bi-authenticate?request=a.b.c', 'none'),
  link('a request on the route for binding', 'https://app.example/bind?request=a.b.c', 'none'),
  link('the page for codes', 'https://auth.example/resume?state=X', 'none'),
];

const SAFE = ['https://app.example/done?a=b#c', 'http://localhost:1/x', 'acme://done', 'com.acme.app:/done', 'HTTPS://app.example', 'https://app.example/ü'];
const UNSAFE = [
  'javascript:alert(1)', 'JavaScript:alert(1)', 'data:text/html,x', 'view-source:x', 'ms-settings:x', 'intent://x', 'about:blank', 'file:///x',
  '/relative', '', 'https:app.example', 'https:///x', 'https://user@app.example/', 'https://app.example\\x', 'https://app.example/a b', 'https://app.example/\u0001',
  'https://app.example/\u0085', ' https://app.example/', 'vnd.youtube:x', 'tel:1',
];
export const destinations = [...SAFE.map((url) => ({ name: url, url, safe: true })), ...UNSAFE.map((url) => ({ name: `not ${JSON.stringify(url)}`, url, safe: false }))];

const domain = (allowed: string[], url: string, outcome: string) => ({ name: `${JSON.stringify(url)} where ${JSON.stringify(allowed)} is allowed`, allowed, url, outcome });
export const domains = [
  ...([
    [['auth.example'], 'https://auth.example/x'],
    [['auth.example'], 'https://auth.example'],
    [['auth.example'], 'https://auth.example:8443/x?y'],
    [['auth.example'], 'https://eu.auth.example/x'],
    [['Auth.EXAMPLE'], 'https://AUTH.example/x'],
    [['xn--bcher-kva.example'], 'https://xn--bcher-kva.example/'],
    [['other.example', 'auth.example'], 'https://auth.example/'],
    [['auth.example:8443'], 'https://auth.example:8443/'],
    [['auth.example:8443'], 'https://eu.auth.example:8443/'],
    [['auth.example:443'], 'https://auth.example/'],
    [['localhost'], 'http://localhost:8021/'],
    [['localhost:80'], 'http://localhost/'],
    [['localhost'], 'http://a.localhost:8021/'],
    [['127.0.0.1'], 'https://127.0.0.1:8021/'],
    [['[::1]'], 'https://[::1]:8021/'],
  ] as [string[], string][]).map(([allowed, url]) => domain(allowed, url, 'allowed')),
  ...([
    [[], 'https://auth.example/'],
    [['auth.example'], 'https://evilauth.example/'],
    [['auth.example'], 'https://auth.example.evil.example/'],
    [['auth.example'], 'https://example/'],
    [['auth.example:8443'], 'https://auth.example/'],
    [['auth.example:443'], 'https://auth.example:8443/'],
    [['auth.example'], 'http://auth.example/'],
    [['auth.example'], 'ftp://auth.example/'],
    [['auth.example'], 'acme://auth.example/'],
    [['127.0.0.1'], 'http://127.0.0.1:8021/'],
    [['evillocalhost', 'localhost'], 'http://evillocalhost/'],
    [['[::1]'], 'https://[0::1]/'],
  ] as [string[], string][]).map(([allowed, url]) => domain(allowed, url, 'disallowed_domain')),
  ...['/x', '', 'auth.example', 'https://', 'https://auth.example@evil.example/', 'https://auth.example\\@evil.example/', 'https://auth.example/ x',
    'https://auth.example#x', 'https://b\u00fccher.example/', 'https://auth.example:0/', 'https://auth.example:65536/', 'https://auth.example:/', 'https://2130706433/',
    'https://127.1/', 'https://127.0.0.256/', 'https://auth..example/', 'https://auth.example./', 'https://-auth.example/',
  ].map((url) => domain(['auth.example', 'evil.example', '127.0.0.1'], url, 'invalid_url')),
  ...['https://auth.example', 'auth.example/', 'auth.example:', 'auth.example:0', 'a b', '', '*', '*.auth.example', 'user@auth.example', '[x]', 'b\u00fccher.example', '2130706433'].map(
    (entry) => domain([entry], 'https://auth.example/', 'invalid_config'),
  ),
];

const hex = (value: string | number[]) => Buffer.from(value as string).toString('hex');
const text = (name: string, value: string | number[], isAccepted: boolean) => ({ name, hex: hex(value), accepted: isAccepted });
/** A text of 64 kB and `more` bytes. Files say how many letters x it has instead of having them. */
const long = (name: string, more: number, isAccepted: boolean) => ({ ...text(name, '{"a":"', isAccepted), fill: 65_536 - 8 + more, then: hex('"}') });
const nested = (depth: number) => `${'{"a":'.repeat(depth - 1)}{}${'}'.repeat(depth - 1)}`;
const accepted: [string, string][] = [
  ['an empty object', '{}'], ['white space', ' \t\r\n{ "a" : [ 1 , 2 ] } '], ['every kind', '{"a":null,"b":true,"c":false,"d":"x","e":[],"f":{}}'],
  ['numbers', '{"a":[0,1.5,-2e3,1E+2,1e-2,9007199254740991,12345678901234567890]}'], ['escapes', '{"a":"\\"\\\\\\/\\b\\f\\n\\r\\t\\u00fc"}'],
  ['UTF-8', '{"ü":"日本\u{1f511}"}'], ['a surrogate pair', '{"a":"\\ud83d\\udd11"}'], ['one name in two objects', '{"a":{"a":1},"b":[{"a":1},{"a":2}]}'],
  ['an empty name', '{"":1}'], ['braces in text', '{"a":"}{][\\"","b":":,"}'], ['the name __proto__', '{"__proto__":1}'],
  ['DEL', '{"a":"\u007f"}'], ['a number that vanishes', '{"a":1e-400}'], ['a name in a text before a colon', '{"a":["b","a"]}'],
];
const refused: [string, string][] = [
  ['nothing', ''], ['a byte order mark', '\ufeff{}'], ['text after', '{}x'], ['a comma at the end', '{"a":1,}'], ['a comma at the end of a list', '{"a":[1,]}'], ['a comment', '{/**/}'],
  ['single quotes', "{'a':1}"], ['a name without quotes', '{a:1}'], ['a name twice', '{"a":1,"a":2}'], ['a name twice, once escaped', '{"a":1,"\\u0061":2}'],
  ['a name twice with an object between', '{"a":{"b":1},"c":[],"a":{}}'], ['a leading zero', '{"a":01}'], ['a plus sign', '{"a":+1}'], ['a number without digits before the point', '{"a":.5}'],
  ['a number without digits after the point', '{"a":1.}'], ['a hexadecimal number', '{"a":0x1}'], ['NaN', '{"a":NaN}'], ['an infinite number', '{"a":1e999}'], ['a line break in a text', '{"a":"\n"}'],
  ['an unknown escape', '{"a":"\\x41"}'], ['an escape cut off', '{"a":"\\u12"}'], ['half a surrogate pair', '{"a":"\\ud83d"}'], ['halves in the wrong order', '{"a":"\\udd11\\ud83d"}'],
  ['half a surrogate pair in a name', '{"\\ud83d":1}'], ['U+0000', '{"a":"\\u0000"}'], ['33 levels', nested(33)], ['33 lists', `{"a":${'['.repeat(32)}${']'.repeat(32)}}`],
  ['a text without end', '{"a":"x'], ['an object without end', '{"a":1'], ['True', '{"a":True}'], ['a no-break space', '{\u00a0}'], ['a form feed', '{\f}'],
];
export const json = [
  ...accepted.map(([name, value]) => ({ ...text(name, value, true), value: JSON.parse(value) as unknown })),
  ...refused.map(([name, value]) => text(name, value, false)),
  // Without its value, with which the file itself would be too deep for a reader.
  text('32 levels', nested(32), true),
  long('64 kB', 0, true),
  long('more than 64 kB', 1, false),
  text('bytes that are not UTF-8', [0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d], false),
  text('UTF-8 longer than needed', [0x7b, 0x22, 0xc0, 0xaf, 0x22, 0x3a, 0x31, 0x7d], false),
  text('half a surrogate pair in UTF-8', [0x7b, 0x22, 0xed, 0xa0, 0x80, 0x22, 0x3a, 0x31, 0x7d], false),
];
