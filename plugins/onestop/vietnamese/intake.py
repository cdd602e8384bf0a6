"""Files: fetched, landed, read and staged; why one is refused."""

from __future__ import annotations

SENTENCES: dict[str, str] = {
    # exports
    "the exports folder {folder}": "thư mục tệp xuất {folder}",
    "the exports at {url}": "tệp xuất tại {url}",
    "is not there": "không có ở đó",
    "create it and put the exports into it, or set ONESTOP_EXPORTS": (
        "tạo thư mục và đặt tệp xuất vào, hoặc đặt ONESTOP_EXPORTS"
    ),
    "cannot be listed ({strerror})": "không liệt kê được ({strerror})",
    "give the pipeline's user permission to read and enter it": (
        "cấp cho người dùng của hệ thống quyền đọc và vào thư mục"
    ),
    "the address of the exports holds a password, which would be printed": (
        "địa chỉ tệp xuất có mật khẩu, mật khẩu sẽ bị in ra"
    ),
    "take it out and set ONESTOP_EXPORTS_PASSWORD, or use the Connection onestop_exports": (
        "bỏ mật khẩu đi và đặt ONESTOP_EXPORTS_PASSWORD, hoặc dùng Connection onestop_exports"
    ),
    "{scheme}:// addresses cannot be read here": "ở đây không đọc được địa chỉ {scheme}://",
    "use a folder, sftp://user@host/folder or s3://bucket/folder": (
        "dùng một thư mục, sftp://user@host/folder hoặc s3://bucket/folder"
    ),
    "cannot be read: {reason}": "không đọc được: {reason}",
    "check the address, the login and its rights (Connection onestop_exports)": (
        "kiểm tra địa chỉ, tài khoản và quyền của nó (Connection onestop_exports)"
    ),
    "cannot be read: the connection failed ({name})": "không đọc được: kết nối thất bại ({name})",
    "try again; if it still fails, ask the server's administrator": (
        "thử lại; nếu vẫn lỗi, hỏi quản trị viên máy chủ"
    ),
    "there is no answer under its name and port; check the address, the network and that the server"
    " runs": ("tên và cổng ấy không trả lời; kiểm tra địa chỉ, mạng và máy chủ có chạy không"),
    "nothing answers there; check host and port, the firewall, and that the server runs": (
        "không có gì trả lời; kiểm tra máy và cổng, tường lửa, và máy chủ có chạy không"
    ),
    "the server's key is not the one known; ask its administrator for the fingerprint and put the"
    " key into the known hosts, or into the Connection's extra field host_key": (
        "khóa của máy chủ không phải khóa đã biết; hỏi quản trị viên dấu vân tay của khóa rồi ghi"
        " khóa vào known hosts, hoặc vào trường extra host_key của Connection"
    ),
    "the login is refused or missing; check user and password or key in its Connection or in the"
    " environment": (
        "tài khoản bị từ chối hoặc chưa có; kiểm tra người dùng và mật khẩu hoặc khóa trong"
        " Connection của nơi đó hoặc trong biến môi trường"
    ),
    "the login is refused, or may not list the folder; check the credentials and their rights in"
    " its Connection or in the environment": (
        "tài khoản bị từ chối, hoặc không được liệt kê thư mục; kiểm tra thông tin đăng nhập và"
        " quyền trong Connection của nơi đó hoặc trong biến môi trường"
    ),
    "there is no such folder; check the path, and that the source system has made it": (
        "không có thư mục ấy; kiểm tra đường dẫn, và hệ thống nguồn đã tạo thư mục chưa"
    ),
    "no file {names} below {exports}{similar}": ("không có tệp {names} trong {exports}{similar}"),
    "; similar names there: {names}": "; tên gần giống ở đó: {names}",
    "{shown} (of night {night})": "{shown} (của đêm {night})",
    "{shown} (hidden, still being written, or no regular file)": (
        "{shown} (bị ẩn, đang được ghi, hoặc không phải tệp thường)"
    ),
    # landing
    "was changed; the changed bytes are kept as {damaged}/{kept}": (
        "đã bị sửa; phần bị sửa được giữ ở {damaged}/{kept}"
    ),
    "was lost": "đã mất",
    "{file}: its copy in the landing {found}. It was put in place again": (
        "{file}: bản sao trong landing {found}. Bản sao đã được đặt lại"
    ),
    " ({size_bytes} bytes)": " ({size_bytes} byte)",
    "it{size} cannot be copied into the landing, which has {room} free ({strerror}); make room"
    " there, or give the pipeline's user write permission; it is tried again": (
        "không chép được tệp{size} vào landing, nơi còn trống {room} ({strerror}); dọn chỗ ở đó,"
        " hoặc cấp quyền ghi cho người dùng của hệ thống; tệp sẽ được thử lại"
    ),
    "the file was still being written; it is tried again": (
        "tệp còn đang được ghi; sẽ được thử lại"
    ),
    "the file went away while it was being read; it is tried again": (
        "tệp biến mất trong khi đọc; sẽ được thử lại"
    ),
    "{error}; it is tried again": "{error}; sẽ được thử lại",
    "its time of change lies {hours} hours in the future; set the exporting machine's clock right"
    " and export it again": (
        "giờ sửa đổi của tệp ở {hours} giờ trong tương lai; chỉnh đồng hồ của máy xuất rồi xuất lại"
    ),
    "the file may not be read; give the pipeline's user read permission on it": (
        "không được phép đọc tệp; cấp quyền đọc cho người dùng của hệ thống"
    ),
    # staging
    "another run is still working on it after {wait_seconds:.0f} s": (
        "sau {wait_seconds:.0f} giây vẫn có lần chạy khác đang xử lý tệp"
    ),
    "let that run end or stop it, then run again": (
        "để lần chạy ấy kết thúc hoặc dừng nó, rồi chạy lại"
    ),
    "its staged copy was damaged or deleted after it was read": (
        "bản đã đọc của tệp bị hỏng hoặc bị xóa sau khi đọc"
    ),
    "run the night again, which reads the file again; check the disk if it recurs": (
        "chạy lại đêm, tệp sẽ được đọc lại; kiểm tra ổ đĩa nếu lặp lại"
    ),
    "its copy in the landing was changed after it landed; deliver it again": (
        "bản sao trong landing bị sửa sau khi nhận; hãy nộp lại tệp"
    ),
    "its copy in the landing is gone; deliver the file again": (
        "bản sao trong landing không còn; hãy nộp lại tệp"
    ),
    "the file has {size_bytes} bytes, compare it with the exported one": (
        "tệp có {size_bytes} byte, hãy so với tệp đã xuất"
    ),
    "the landed file may not be read; give the pipeline's user read permission on it": (
        "không được phép đọc tệp trong landing; cấp quyền đọc cho người dùng của hệ thống"
    ),
    "its rows cannot be written to the staging folder, which has {room} free; make room there (or"
    " give the pipeline's user write permission) and run the night again": (
        "không ghi được các dòng vào thư mục staging, nơi còn trống {room}; dọn chỗ ở đó (hoặc cấp"
        " quyền ghi cho người dùng của hệ thống) rồi chạy lại đêm"
    ),
    "its rows do not fit into the memory; {remedy}": "bộ nhớ không đủ cho các dòng; {remedy}",
    "its rows cannot be checked: {cause}": "không kiểm tra được các dòng: {cause}",
    # archives
    "the archive is damaged or cut short: the list of contents, which stands at its end, cannot be"
    " read; export and send it again": (
        "tệp nén hỏng hoặc bị cắt cụt: không đọc được danh mục ở cuối tệp; hãy xuất và gửi lại"
    ),
    "the file has no content": "tệp không có nội dung",
    "it is an archive inside an archive; pack the export once": (
        "tệp nén nằm trong tệp nén; chỉ nén một lần"
    ),
    "the archive's file has no content": "tệp trong tệp nén không có nội dung",
    "it is an office document but no Excel workbook; save the list as .xlsx": (
        "đây là tài liệu văn phòng nhưng không phải bảng tính Excel; hãy lưu danh sách thành .xlsx"
    ),
    "the archive holds no file": "tệp nén không có tệp nào",
    "the archive has a password; pack it without one": "tệp nén có mật khẩu; nén không mật khẩu",
    "it unpacks to more than {size} MiB; export it in parts, or send it unpacked": (
        "giải nén ra hơn {size} MiB; xuất thành nhiều phần, hoặc gửi không nén"
    ),
    "the archive is damaged or cut short at or before its byte {byte}; export and send it again": (
        "tệp nén hỏng hoặc bị cắt cụt ở byte {byte} hay trước đó; hãy xuất và gửi lại"
    ),
    "a workbook of more than {size} MiB; export it as CSV": (
        "bảng tính lớn hơn {size} MiB; hãy xuất thành CSV"
    ),
    "the archive holds {count} files; pack the export alone": (
        "tệp nén có {count} tệp; chỉ nén riêng tệp xuất"
    ),
    "the archive holds {count} files; send one archive for each": (
        "tệp nén có {count} tệp; gửi mỗi tệp một tệp nén"
    ),
    "the archive cannot be unpacked; pack it again without a password": (
        "không giải nén được; hãy nén lại không mật khẩu"
    ),
    "it unpacks to more than {ratio} times its size; send it unpacked": (
        "giải nén ra hơn {ratio} lần kích thước; hãy gửi không nén"
    ),
    "the archive is damaged where its file begins; export and send it again": (
        "tệp nén hỏng ở chỗ tệp bên trong bắt đầu; hãy xuất và gửi lại"
    ),
    # formats
    "it is {what}": "đây là {what}",
    "a PDF; export the list as Excel or CSV": "tệp PDF; hãy xuất danh sách thành Excel hoặc CSV",
    "a RAR archive; pack it as zip": "tệp nén RAR; hãy nén thành zip",
    "a 7z archive; pack it as zip": "tệp nén 7z; hãy nén thành zip",
    "a SQLite database; export the list as CSV": (
        "cơ sở dữ liệu SQLite; hãy xuất danh sách thành CSV"
    ),
    "a Parquet file; export the list as CSV": "tệp Parquet; hãy xuất danh sách thành CSV",
    "a Word text; export the list as Excel or CSV": (
        "văn bản Word; hãy xuất danh sách thành Excel hoặc CSV"
    ),
    "it is XML; export the list as JSON, CSV or Excel": (
        "đây là XML; hãy xuất danh sách thành JSON, CSV hoặc Excel"
    ),
    "it is neither text nor a workbook; export it as JSON, CSV or Excel": (
        "không phải văn bản cũng không phải bảng tính; hãy xuất thành JSON, CSV hoặc Excel"
    ),
    "the file holds nothing but blank space": "tệp chỉ có khoảng trắng",
    "the file is damaged in a way that stops its reader ({name}); export and send it again": (
        "tệp hỏng đến mức không đọc tiếp được ({name}); hãy xuất và gửi lại"
    ),
    # texts and headers
    "the text is not Unicode (UTF-8), as in files with the old fonts .VnTime or VNI; export it"
    " again as Unicode UTF-8": (
        "văn bản không phải Unicode (UTF-8), như tệp dùng phông cũ .VnTime hoặc VNI; hãy xuất lại"
        " bằng Unicode UTF-8"
    ),
    "the text is in the old font encoding {name}; {convert}": (
        "văn bản theo bảng mã phông cũ {name}; {convert}"
    ),
    "convert the export to Unicode UTF-8": "hãy chuyển tệp xuất sang Unicode UTF-8",
    "the texts of {name} are in an old font encoding (TCVN3 or VNI); convert the export to Unicode"
    " UTF-8": (
        "văn bản ở {name} theo bảng mã phông cũ (TCVN3 hoặc VNI); hãy chuyển tệp xuất sang Unicode"
        " UTF-8"
    ),
    "no line holds column names that the mapping knows": (
        "không dòng nào có tên cột mà ánh xạ biết"
    ),
    "the column '{shown}' is there twice; leave one of them in the export": (
        "cột '{shown}' có hai lần; chỉ để lại một cột trong tệp xuất"
    ),
    "line {number} is longer than {most} characters": "dòng {number} dài hơn {most} ký tự",
    "a line is longer than {most} characters": "có dòng dài hơn {most} ký tự",
    # JSON
    "every record is empty; export the list again": "mọi bản ghi đều trống; hãy xuất lại danh sách",
    "there is more text after the end of the JSON; export it again": (
        "còn văn bản sau chỗ kết thúc JSON; hãy xuất lại"
    ),
    "a record is longer than {most} characters, or has no end": (
        "có bản ghi dài hơn {most} ký tự, hoặc không có chỗ kết thúc"
    ),
    "the JSON is broken or cut short at or after character {where}; export it again": (
        "JSON hỏng hoặc bị cắt cụt ở ký tự {where} hay sau đó; hãy xuất lại"
    ),
    "the JSON is broken or cut short after its record {records}; export it again": (
        "JSON hỏng hoặc bị cắt cụt sau bản ghi thứ {records}; hãy xuất lại"
    ),
    "no record has a key that the mapping knows": "không bản ghi nào có khóa mà ánh xạ biết",
    "the JSON is nested too deeply": "JSON lồng nhau quá nhiều tầng",
    "the key '{path}' is there twice; export again": "khóa '{path}' có hai lần; hãy xuất lại",
    "the JSON begins with a record that is in no list; put the records between [ and ], with"
    " commas, or one on each line, without commas": (
        "JSON bắt đầu bằng một bản ghi không nằm trong danh sách nào; hãy đặt các bản ghi giữa [ và"
        " ], cách nhau bằng dấu phẩy, hoặc mỗi dòng một bản ghi, không có dấu phẩy"
    ),
    "the JSON object has no list of records under '{path}'": (
        "đối tượng JSON không có danh sách bản ghi ở '{path}'"
    ),
    "the JSON has records under '{other}' beside '{path}'; export all of them under '{path}', or"
    " each list as a file of its own": (
        "JSON có bản ghi ở '{other}' ngoài '{path}'; hãy xuất tất cả ở '{path}', hoặc mỗi danh sách"
        " một tệp riêng"
    ),
    "the JSON says under '{key}' that the export failed; have the list exported again": (
        "JSON báo ở '{key}' rằng việc xuất thất bại; hãy cho xuất lại danh sách"
    ),
    # pages and workbooks
    "sheet": "trang tính",
    "table": "bảng",
    "a place of its own": "chỗ riêng của nó",
    " and {more} more": " và {more} nữa",
    "no {kind} has a row of column names that the mapping knows": (
        "không {kind} nào có dòng tên cột mà ánh xạ biết"
    ),
    "{kind} '{name}' ({rows}) has the columns of the list without {lacking}; name its columns as"
    " those of the list, or export it as a file of its own": (
        "{kind} '{name}' ({rows}) có các cột của danh sách nhưng thiếu {lacking}; đặt tên cột như"
        " của danh sách, hoặc xuất thành tệp riêng"
    ),
    "the {kind} with the column names, '{name}', is hidden; show it": (
        "{kind} có tên cột, '{name}', đang bị ẩn; hãy cho hiện"
    ),
    "the list has no rows under its column names, while {kind} '{name}' holds {rows} without names;"
    " export both in one {kind}": (
        "danh sách không có dòng nào dưới tên cột, còn {kind} '{name}' có {rows} không tên cột; hãy"
        " xuất cả hai trong một {kind}"
    ),
    "below the column names there is another row of column names, with other columns or in another"
    " order; export each list as a file of its own": (
        "dưới tên cột còn một dòng tên cột khác, với cột khác hoặc thứ tự khác; hãy xuất mỗi danh"
        " sách thành tệp riêng"
    ),
    "{rows} above the column names in row {header} may be records, the first is row {first}; put"
    " the column names above all rows, and export lists with other columns as files of their own": (
        "{rows} phía trên tên cột ở dòng {header} có thể là bản ghi, dòng đầu là {first}; hãy đặt"
        " tên cột trên mọi dòng, và xuất danh sách có cột khác thành tệp riêng"
    ),
    "the HTML page is cut short: it ends at or after its row {rows}, within the list; export it"
    " again": (
        "trang HTML bị cắt cụt: kết thúc ở dòng {rows} hay sau đó, giữa danh sách; hãy xuất lại"
    ),
    "the HTML page is damaged after its row {rows}; export it again": (
        "trang HTML hỏng sau dòng {rows}; hãy xuất lại"
    ),
    "the page has more than {most} tables; export it as CSV": (
        "trang có hơn {most} bảng; hãy xuất thành CSV"
    ),
    "row {row} of the page is longer than {most_chars} characters": (
        "dòng {row} của trang dài hơn {most_chars} ký tự"
    ),
    "a table inside row {row} of the page is as wide as the list; its end tag may be missing;"
    " export the list again, one row for each record": (
        "một bảng trong dòng {row} của trang rộng bằng danh sách; có thể thiếu thẻ đóng; hãy xuất"
        " lại danh sách, mỗi bản ghi một dòng"
    ),
    "the workbook is damaged or locked; open it in Excel and save it again": (
        "bảng tính hỏng hoặc bị khóa; hãy mở trong Excel rồi lưu lại"
    ),
    "the workbook unpacks to more than {megabytes} MiB; export it as CSV": (
        "bảng tính giải nén ra hơn {megabytes} MiB; hãy xuất thành CSV"
    ),
    "the workbook takes more than {seconds} seconds; export it as CSV": (
        "đọc bảng tính mất hơn {seconds} giây; hãy xuất thành CSV"
    ),
    "the workbook has a password; save it without one": (
        "bảng tính có mật khẩu; hãy lưu không mật khẩu"
    ),
    "the workbook has too many parts": "bảng tính có quá nhiều phần",
    "a sheet's used range is too large; export it as CSV": (
        "vùng dữ liệu của một trang tính quá lớn; hãy xuất thành CSV"
    ),
    "cells show errors such as #N/A or formulas without a value; correct them and save": (
        "có ô báo lỗi như #N/A hoặc công thức chưa có giá trị; hãy sửa rồi lưu"
    ),
    "it is a binary workbook (.xlsb); save it as .xlsx": (
        "đây là bảng tính nhị phân (.xlsb); hãy lưu thành .xlsx"
    ),
    "the workbook is damaged, or needs more memory than ulimit -v allows; export it as CSV": (
        "bảng tính hỏng, hoặc cần nhiều bộ nhớ hơn ulimit -v cho phép; hãy xuất thành CSV"
    ),
    "the XML workbook declares a document type": "bảng tính XML có khai báo kiểu tài liệu",
    "row {number} is longer than {most} characters": "dòng {number} dài hơn {most} ký tự",
    "the XML workbook is damaged at line {lineno}; export and send it again": (
        "bảng tính XML hỏng ở dòng {lineno}; hãy xuất và gửi lại"
    ),
}
