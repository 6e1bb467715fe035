import { bind, byId, onClick, sayError, start } from '/static/shared.js';

// A mailed link has led here. Mail scanners and previews open links too, so nothing happens until a person says so.
const { embedded } = await start();

if (embedded.isBindPasskeyUrl(location.href)) onClick(byId('create'), () => bind(embedded, location.href));
else {
  byId('create').hidden = true;
  sayError('This link is not complete. Open the whole link from your mail again.');
}
